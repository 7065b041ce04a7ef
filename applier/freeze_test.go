package applier_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestFreeze keeps a plan from beginning, unconsumed, and one that waits from going
// on, until it is over.
func TestFreeze(t *testing.T) {
	r := newRig(t)
	open := false
	r.Open = func(planner.Plan, planner.Gate, []applier.Approval) applier.Passage {
		return applier.Passage{Open: open, Why: "saturday is far"}
	}
	gate := planner.Gate{Kind: planner.WindowGate, Arg: "saturday", Window: schema.Window{Days: []string{"sat"}}}
	p := r.plan(behind(gate), plain)
	f := applier.Freeze{Until: r.Now().Add(time.Hour), Why: "an \x1b[31maudit", Who: "ada"}
	if err := r.Freeze(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Apply(t.Context(), p); !errors.Is(err, applier.ErrFrozen) || strings.Contains(err.Error(), "\x1b") {
		t.Errorf("%v", err)
	}
	if keys, _ := r.store.List(t.Context(), "applies/"); len(keys) > 0 || len(r.starts) > 0 {
		t.Errorf("written: %s", keys)
	}
	_ = r.Sleep(t.Context(), 2*time.Hour)
	res, err := r.Apply(t.Context(), p)
	r.ends(res, err, applier.PausedOutcome, "waiting with 1 step left: saturday is far", "b")
	f.Until = r.Now().Add(time.Hour)
	if err := r.Freeze(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	open = true
	if res, err = r.Resume(t.Context(), "plan-1"); err != nil || res.Outcome != applier.PausedOutcome || res.Done != 1 || len(r.starts) != 1 || !strings.HasPrefix(res.Why[0], "frozen until ") {
		t.Errorf("%+v, %v", res, err)
	}
	f.Until = r.Now() // lifted
	if err := r.Freeze(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	res, err = r.Resume(t.Context(), "plan-1")
	r.ends(res, err, applier.EndedOutcome, "", "b", "a")
}

// TestFreezeWhileAStepIsPending: who waits for the outside looks whether somebody froze the
// deployment meanwhile, and stops as Ctrl-C has it stop.
func TestFreezeWhileAStepIsPending(t *testing.T) {
	r := newRig(t)
	looks := 0
	r.observe = func(a applier.Attempt) applier.Status {
		if len(a.Begun) == 0 {
			return applier.Status{}
		}
		if looks++; looks > 20 {
			return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON("x")}}
		}
		if looks == 3 {
			if err := r.Freeze(t.Context(), applier.Freeze{Until: r.Now().Add(100 * time.Hour), Why: "an audit", Who: "ada"}); err != nil {
				t.Error(err)
			}
		}
		return applier.Status{State: applier.Pending, Wait: time.Minute}
	}
	res, err := r.Apply(t.Context(), r.plan(plain))
	if err != nil || res.Outcome != applier.PausedOutcome || len(res.Why) != 1 || !strings.HasPrefix(res.Why[0], "frozen until ") || looks > 4 {
		t.Errorf("%+v, %v after %d looks", res, err, looks)
	}
	if l, _, err := r.ReadLock(t.Context()); err != nil || !l.Free {
		t.Errorf("the lock is %+v, %v", l, err)
	}
}
