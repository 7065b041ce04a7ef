package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// deregister takes the base of the fixture spreading away, whatever starts from it.
func (r rig) deregister() {
	r.t.Helper()
	var content map[string]map[string]any
	if err := json.Unmarshal(r.Box.Content(), &content); err != nil {
		r.t.Fatal(err)
	}
	delete(content["aws"]["images"].(map[string]any), "ami-00000000000000001")
	if err := r.Box.Replace([]byte(schema.JSON(content).Text)); err != nil {
		r.t.Fatal(err)
	}
}

// TestTheBaseIsDeregistered: the apply says so, whenever it goes. Before an instance of
// it runs nothing is made; afterwards the way back takes away what was.
func TestTheBaseIsDeregistered(t *testing.T) {
	f := spreading(t)
	for _, c := range []struct {
		call  string
		phase sandbox.Phase
		want  string
	}{
		{"", "", "DC304: amis.executor: ec2/image#ami-00000000000000001: state moved from available to (not set)"},
		{"RunInstance", sandbox.Before, "image ami-00000000000000001: not found"},
		{"RunInstance", sandbox.After, "DC304"},
		{"CopyImage", sandbox.Before, ""},
	} {
		r := f.start(t).copy()
		p := r.plan(f.after)
		gone := c.call == ""
		if gone {
			r.deregister()
		}
		gate := func(call string, phase sandbox.Phase) error {
			if !gone && call == c.call && phase == c.phase {
				gone = true
				r.deregister()
			}
			return nil
		}
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: gate})
		if err != nil {
			t.Fatal(err)
		}
		res, err := e.Apply(t.Context(), p)
		why := strings.Join(res.Why, "\n")
		if err != nil || !strings.Contains(why, c.want) || (res.Outcome == applier.EndedOutcome) != (c.want == "") {
			t.Errorf("%s: %+v, %v; want %s", c.call, res, err, c.want)
		}
		if c.phase == sandbox.After {
			r.back(f, p.ID, sim.KillAfter(-1))
		}
		if c.want != "" && strings.Contains(r.managed(), `"domctl:`) {
			t.Errorf("%s: something of domctl stays:\n%s", c.call, r.managed())
		}
	}
}

// TestCredentialsExpireHalfWay: with new ones the apply is gone on with to the same
// end, whenever the old ones ended.
func TestCredentialsExpireHalfWay(t *testing.T) {
	f := spreading(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	whole.ended(whole.engine(f.after).Apply(t.Context(), p))
	resumed := 0
	for n := 0; ; n += 3 {
		r := start.copy()
		o := sim.Options{Holder: "test", Outside: sandbox.Options{Faults: []sandbox.Fault{{Fault: "expired", After: n}}}}
		e, err := r.Process(t.Context(), f.after, o)
		var res applier.Result
		if err == nil {
			res, err = e.Apply(t.Context(), p)
		}
		if err == nil && res.Outcome == applier.EndedOutcome {
			t.Logf("%d times of %d", resumed, n)
			break
		}
		if said := strings.Join(res.Why, "\n"); err == nil && !strings.Contains(said, "expired") {
			t.Fatalf("after %d calls: %s", n, said)
		}
		if _, err := r.engine(f.after).Applier.Summary(t.Context(), p.ID); applier.IsMissing(err) {
			continue
		}
		resumed++
		r.goOn(f.after, p)
		if got, want := r.managed(), whole.managed(); got != want {
			t.Fatalf("after %d calls: the world is\n%s\nwant\n%s", n, got, want)
		}
		r.settled(f.after)
	}
	if resumed < 10 {
		t.Errorf("resumed %d times", resumed)
	}
}
