package applier_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func behind(gates ...planner.Gate) func(*planner.Step) {
	return func(s *planner.Step) { s.Gates = gates }
}

// TestAGateHoldsAStepBack until it opens; its sibling needs none. The records say
// what is waited for.
func TestAGateHoldsAStepBack(t *testing.T) {
	r := newRig(t)
	open := false
	gate := planner.Gate{Kind: planner.WindowGate, Arg: "saturday", Window: schema.Window{Days: []string{"sat"}}}
	r.Open = func(_ planner.Plan, g planner.Gate, given []applier.Approval) applier.Passage {
		if !reflect.DeepEqual(g, gate) || len(given) > 0 {
			t.Errorf("asked about %v, %v", g, given)
		}
		return applier.Passage{Open: open, Why: "saturday is far"}
	}
	res, err := r.Apply(t.Context(), r.plan(behind(gate), plain, behind(gate)))
	const waits = "waiting with 2 steps left: saturday is far"
	r.ends(res, err, applier.PausedOutcome, waits, "b")
	if paused := r.records(applier.KindPaused); len(paused) != 1 || paused[0].Why != waits {
		t.Errorf("the records say %v", paused)
	}
	open = true
	res, err = r.Resume(t.Context(), "plan-1")
	r.ends(res, err, applier.EndedOutcome, "", "b", "a", "c")
}

// TestAGateIsNotAskedTwice: what was begun before its window closed is looked at
// and finished, whatever the clock says.
func TestAGateIsNotAskedTwice(t *testing.T) {
	r := newRig(t)
	open := true
	r.Open = func(planner.Plan, planner.Gate, []applier.Approval) applier.Passage {
		return applier.Passage{Open: open, Why: "closed"}
	}
	r.observe = func(applier.Attempt) applier.Status {
		return applier.Status{State: map[bool]applier.State{true: applier.Next, false: applier.Unsure}[len(r.starts) == 0], Why: "cannot tell"}
	}
	res, err := r.Apply(t.Context(), r.plan(behind(planner.Gate{Kind: planner.WindowGate, Arg: "w"})))
	r.ends(res, err, applier.FailedOutcome, "cannot tell", "a")
	open, r.observe = false, nil
	res, err = r.Resume(t.Context(), "plan-1")
	r.ends(res, err, applier.EndedOutcome, "", "a")
}

// TestAGateThatOpensEndsAWait for something else.
func TestAGateThatOpensEndsAWait(t *testing.T) {
	r := newRig(t)
	opens := r.now.Add(10 * time.Minute)
	r.Open = func(planner.Plan, planner.Gate, []applier.Approval) applier.Passage {
		return applier.Passage{Open: !r.Now().Before(opens), Why: "not yet", Wait: opens.Sub(r.Now())}
	}
	var started []string
	r.observe = func(a applier.Attempt) applier.Status {
		switch {
		case len(a.Begun) == 0:
			return applier.Status{}
		case a.Step.ID == "a" && r.Now().Before(opens.Add(time.Hour)):
			return applier.Status{State: applier.Pending, Wait: 7 * time.Minute}
		}
		return applier.Status{State: applier.Finished}
	}
	r.start = func(a applier.Attempt) error {
		started = append(started, a.Step.ID+" "+r.Now().Format("15:04"))
		return nil
	}
	res, err := r.Apply(t.Context(), r.plan(plain, behind(planner.Gate{Kind: planner.WindowGate, Arg: "w"})))
	r.ends(res, err, applier.EndedOutcome, "", "a", "b")
	if want := "[a 10:00 b 10:10]"; fmt.Sprint(started) != want {
		t.Errorf("started %v, want %s", started, want)
	}
}

// TestApprovals are of what waits at that moment, by different people, and of one
// effect; they outlive the process.
func TestApprovals(t *testing.T) {
	r := newRig(t)
	r.Open = func(_ planner.Plan, g planner.Gate, given []applier.Approval) applier.Passage {
		return applier.Passage{Open: len(given) >= g.Approvals, Why: fmt.Sprintf("%d of %d approve %s", len(given), g.Approvals, g.Arg)}
	}
	two, last := planner.Gate{Kind: planner.ApprovalGate, Arg: "wave 2", Approvals: 2}, planner.Gate{Kind: planner.ApprovalGate, Arg: "wave 3", Approvals: 1}
	later := func(s *planner.Step) {
		s.Gates, s.Args = []planner.Gate{last}, map[string]schema.Value{"x": planner.OutOf("a", "x")}
	}
	p := r.plan(behind(two), later, behind(two))
	res, err := r.Apply(t.Context(), p)
	r.ends(res, err, applier.PausedOutcome, "waiting with 3 steps left: 0 of 2 approve wave 2")
	approve := func(by, why string, outcome applier.Outcome, starts ...string) {
		t.Helper()
		res, err := r.Approve(t.Context(), "plan-1", by)
		r.ends(res, err, outcome, why, starts...)
	}
	approve("ada", "1 of 2 approve wave 2", applier.PausedOutcome)
	if _, err := r.Approve(t.Context(), "plan-1", "ada"); err == nil || len(r.records(applier.KindApproved)) != 1 {
		t.Errorf("one person approves twice: %v", err)
	}
	approve("bob", "waiting with 1 step left: 0 of 1 approve wave 3", applier.PausedOutcome, "a", "c")
	for i, rec := range r.records(applier.KindApproved) {
		if a := rec.Approval; a.By != []string{"ada", "bob"}[i] || a.Effect != p.Effect || a.At.IsZero() || fmt.Sprint(a.Gates) != "[wave 2]" {
			t.Errorf("the records say %+v", a)
		}
	}
	approve("ada", "", applier.EndedOutcome, "a", "c", "b")
	if _, err := r.Approve(t.Context(), "plan-1", "eve"); err == nil || !strings.Contains(err.Error(), "DC322") {
		t.Errorf("what has ended is approved: %v", err)
	}
}
