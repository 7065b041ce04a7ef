package engine_test

import (
	"reflect"
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// planAgainst plans and answers how often each call was made of the outside.
func (r rig) planAgainst(c compiler.Result, f engine.Former) (planner.Plan, map[string]int) {
	r.t.Helper()
	kill := sim.KillAfter(-1)
	e, err := r.process(c, kill)
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := e.PlanAgainst(r.t.Context(), engine.PlanOptions{Allow: []string{"archive"}}, f)
	if err != nil {
		r.t.Fatal(err)
	}
	return p, calls(kill)
}

func calls(k *sim.Kill) map[string]int {
	n := map[string]int{}
	for _, side := range k.Sides() {
		n[side]++
	}
	return n
}

func former(c compiler.Result) engine.Former {
	return engine.Former{Base: planner.Base{Ref: "main", Commit: strings.Repeat("a", 40)}, Compiled: c}
}

// TestAgainst: it is the plan that is made without a base; what the former files had
// applied is none of what is pending, and the other way round all of it is.
func TestAgainst(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			r := f.start(t)
			plain := r.plan(f.after)
			p, _ := r.planAgainst(f.after, former(f.before))
			if p.Effect != plain.Effect {
				t.Error("with a base, another effect")
			}
			if len(p.Base.Changes) == 0 || len(p.Base.Changes) != len(plain.Changes) || len(p.Base.Pending) > 0 || len(p.Base.Dropped) > 0 {
				t.Errorf("%+v", p.Base)
			}
			p, _ = r.planAgainst(f.before, former(f.after))
			if len(p.Base.Dropped) != len(plain.Changes) || len(p.Base.Pending) > 0 {
				t.Errorf("the other way round: %+v", p.Base)
			}
			p, _ = r.planAgainst(f.after, former(f.after))
			if len(p.Base.Changes) > 0 || len(p.Base.Dropped) > 0 || len(p.Base.Pending) != len(plain.Changes) {
				t.Errorf("of itself: %+v", p.Base)
			}
		})
	}
}

// TestAgainstLooksOnce: what one plan asked, the other does not ask again.
func TestAgainstLooksOnce(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			r := f.start(t)
			_, alone := r.planAgainst(f.after, former(f.after))
			_, both := r.planAgainst(f.after, former(f.before))
			more, all := 0, 0
			for call, n := range both {
				more, all = more+max(0, n-alone[call]), all+n
			}
			t.Logf("%d sides of calls, %d more than for one plan", all, more)
			if more > 4 {
				t.Errorf("%d of %d were asked for the former files: %v beside %v", more, all, both, alone)
			}
		})
	}
}

// TestIncomparable: files that cannot be planned beside these are told, and compared
// with nothing.
func TestIncomparable(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	broken, other, elsewhere := f.before, f.before, f.before
	broken.Findings = []schema.Finding{{Code: "DC003", Severity: schema.Error}}
	other.Desired.Deployment.Name = "another"
	elsewhere.Desired.Deployment.AWS.Account = "999999999999"
	for want, c := range map[string]compiler.Result{"not valid": broken, "another deployment": other, "another outside": elsewhere} {
		p, _ := r.planAgainst(f.after, former(c))
		if !strings.Contains(p.Base.Lacks, want) || len(p.Base.Changes) != len(p.Changes) {
			t.Errorf("%s: %+v", want, p.Base)
		}
		if len(p.Findings) == 0 || p.Refused() {
			t.Errorf("%s: %v", want, p.Findings)
		}
	}
}

// TestAgainstFailsWhole: a read that fails for the former files is an error, not a
// plan that lacks something.
func TestAgainstFailsWhole(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	whole, _ := r.planAgainst(f.after, former(f.before))
	failed := 0
	for i := range 200 {
		kill := sim.KillAfter(i)
		e, err := r.process(f.after, kill)
		var p planner.Plan
		if err == nil {
			p, err = e.PlanAgainst(t.Context(), engine.PlanOptions{Allow: []string{"archive"}}, former(f.before))
		}
		switch {
		case err != nil:
			failed++
		case p.Effect != whole.Effect || !reflect.DeepEqual(p.Base, whole.Base):
			t.Errorf("after %d calls: %+v", i, p.Base)
		}
	}
	if failed == 0 || failed == 200 {
		t.Errorf("%d of 200 failed", failed)
	}
}
