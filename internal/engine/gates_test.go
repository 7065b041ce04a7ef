package engine_test

import (
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestGates go by the clock and by the records; an unknown one stays shut.
func TestGates(t *testing.T) {
	f := fixtures(t)[0]
	e := f.start(t).engine(f.after)
	saturday := planner.Gate{Kind: planner.WindowGate, Arg: "saturday", Window: schema.Window{Days: []string{"sat"}, From: "22:00", To: "04:00", Timezone: "America/New_York"}}
	wave := planner.Gate{Kind: planner.ApprovalGate, Arg: "amis.gpu rollout 2", Approvals: 2}
	for _, c := range []struct {
		g     planner.Gate
		given []applier.Approval
		says  string // "" when it is open
	}{
		{saturday, nil, "window saturday opens Sat 2026-03-07 22:00 America/New_York"},
		{wave, []applier.Approval{{By: "ada"}}, "1 approval of amis.gpu rollout 2 missing: domctl apply --resume p --approve"},
		{wave, []applier.Approval{{By: "ada"}, {By: "bob"}}, ""},
		{planner.Gate{Kind: "moon", Arg: "full"}, nil, "gate moon full is not known"},
		{planner.Gate{Kind: planner.WindowGate, Arg: "w"}, nil, "window w never opens"},
	} {
		if got := e.Applier.Open(planner.Plan{ID: "p"}, c.g, c.given); got.Open != (c.says == "") || !got.Open && !strings.Contains(got.Why, c.says) {
			t.Errorf("%v: %+v", c.g, got)
		}
	}
	wait := e.Applier.Open(planner.Plan{}, saturday, nil).Wait
	if err := e.Clock.Sleep(t.Context(), wait); err != nil || !e.Applier.Open(planner.Plan{}, saturday, nil).Open || wait < time.Hour {
		t.Errorf("after %s it is shut, %v", wait, err)
	}
}

// TestAnEngineTakesOtherGates, as a controller has its own approvals.
func TestAnEngineTakesOtherGates(t *testing.T) {
	f := fixtures(t)[0]
	c := f.start(t).engine(f.after).Config
	c.Open = func(planner.Plan, planner.Gate, []applier.Approval) applier.Passage {
		return applier.Passage{Open: true}
	}
	e, err := engine.Open(t.Context(), c)
	if err != nil || !e.Applier.Open(planner.Plan{}, planner.Gate{Kind: "moon"}, nil).Open {
		t.Error(err)
	}
}
