package engine_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

// midway applies a plan, and does something once the first node is cordoned.
func (r rig) midway(f fixture, then func(ctx context.Context, stop context.CancelFunc)) (id string, res applier.Result) {
	r.t.Helper()
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	once := false
	e, err := r.Process(ctx, f.after, sim.Options{Holder: "test", Gate: func(call string, phase sandbox.Phase) error {
		if call == "SetCordoned" && phase == sandbox.After && !once {
			once = true
			then(ctx, stop)
		}
		return nil
	}})
	if err != nil {
		r.t.Fatal(err)
	}
	p := r.plan(f.after)
	if res, err = e.Apply(ctx, p); err != nil {
		r.t.Fatal(err)
	}
	return p.ID, res
}

// TestARollIsPaused by Ctrl-C, by a freeze of another process, or by the end of its process:
// cordons stay, nothing is ended, the lock is free; it goes on when told to, or lets go.
func TestARollIsPaused(t *testing.T) {
	t.Parallel()
	f := rolling(t, false)
	start := f.start(t)
	before := start.grid()
	freeze := func(r rig, d time.Duration) {
		f := applier.Freeze{Until: r.Clock.Now().Add(d), Why: "an audit", Who: "ada"}
		if err := r.engine(compiled(t, "rolling")).Applier.Freeze(t.Context(), f); err != nil {
			t.Error(err)
		}
	}
	for name, c := range map[string]struct {
		pause func(rig, context.CancelFunc)
		why   string
		thaw  func(rig)
	}{
		"Ctrl-C": {func(_ rig, stop context.CancelFunc) { stop() }, "interrupted with ", func(rig) {}},
		"freeze": {func(r rig, _ context.CancelFunc) { freeze(r, 1000*time.Hour) }, "frozen until ", func(r rig) { freeze(r, 0) }},
	} {
		for _, then := range []string{"resume", "supersede", "rollback"} {
			t.Run(name+", then "+then, func(t *testing.T) {
				r := rig{start.copy().Machine, t}
				id, res := r.midway(f, func(_ context.Context, stop context.CancelFunc) { c.pause(r, stop) })
				if res.Outcome != applier.PausedOutcome || !strings.Contains(strings.Join(res.Why, " "), c.why) {
					t.Fatalf("%+v", res)
				}
				if got := r.grid(); !strings.Contains(got, "cordoned") {
					t.Errorf("paused: %s", got)
				}
				for _, told := range r.Told() {
					if strings.Contains(told, "Terminate") {
						t.Errorf("paused, and yet %s", told)
					}
				}
				e := r.engine(f.after)
				if l, _, err := e.Applier.ReadLock(t.Context()); err != nil || !l.Free {
					t.Errorf("the lock: %+v, %v", l, err)
				}
				want := before
				switch then {
				case "resume":
					if name == "freeze" {
						if res, err := e.Applier.Resume(t.Context(), id); err != nil || res.Outcome != applier.PausedOutcome {
							t.Errorf("frozen, and yet %+v, %v", res, err)
						}
					}
					c.thaw(r)
					r.ended(e.Applier.Resume(t.Context(), id))
					want = "demand-a[2] 1 refreshed-a[2 2] 2 surging-a[2 2] 2 surging-b[2] 1 workers-asg[2 2] 2"
				case "supersede":
					if res, err := e.Applier.Supersede(t.Context(), id); err != nil || res.Outcome != applier.EndedOutcome {
						t.Errorf("%+v, %v", res, err)
					}
				case "rollback":
					back, err := e.Rollback(t.Context(), id, engine.RollbackOptions{})
					if err != nil {
						t.Fatal(err)
					}
					r.ended(e.Apply(t.Context(), back))
				}
				if got := r.grid(); got != want {
					t.Errorf("%s, want %s", got, want)
				}
				if open, err := e.Applier.OpenApplies(t.Context()); err != nil || len(open) > 0 {
					t.Errorf("open: %v, %v", open, err)
				}
			})
		}
	}
}
