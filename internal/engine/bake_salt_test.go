package engine_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
)

// TestAHighstateThatFails fails the bake: no image is begun, what follows on the
// instance is not run, and the message has the end of Salt's output. salt-call answers
// 0 for states that fail, unless it is asked for their code. The way back need not wait
// for what might show yet: the instance was seen to have ended.
func TestAHighstateThatFails(t *testing.T) {
	const fails = `{"commands": {"salt-call --retcode-passthrough state.highstate": {"exit": 2, "stdout": "  Result: False\nFailed: 1\n"}, "salt-call state.highstate": {"stdout": "Failed: 1\n"}}}`
	for _, runtime := range []string{"docker", "containerd"} {
		t.Run(runtime, func(t *testing.T) {
			f := baking(t, append(withDisk(fails), "volume:", "runtime: \""+runtime+"\"\n\tsalt: highstate: \"2026-11\"\n\tscriptsAfter: [\"echo late\"]\n\tvolume:")...)
			r := f.start(t)
			p := r.plan(f.after)
			res, err := r.engine(f.after).Apply(t.Context(), p)
			why := r.unused(res, err)
			if !strings.Contains(why, "DC331: salt-call state.highstate: Failed: 1") || len(r.own()) > 0 {
				t.Errorf("%s; %+v", why, r.own())
			}
			if slices.ContainsFunc(r.Effects, func(e sim.Effect) bool { return e.Call == "CreateImage" || e.Call == "StopInstance" }) {
				t.Errorf("an image was begun: %+v", r.Effects)
			}
			began := r.Clock.Now()
			back, err := r.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
			if err != nil {
				t.Fatal(err)
			}
			r.ended(r.engine(f.after).Apply(t.Context(), back))
			if took := r.Clock.Now().Sub(began); took > 10*time.Second {
				t.Errorf("the way back took %s", took)
			}
			if strings.Contains(r.managed(), `"domctl:`) {
				t.Errorf("something of domctl stays:\n%s", r.managed())
			}
		})
	}
}
