package engine_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"domctl.dev/planner"
)

// restful is a deployment whose hardware tiers and settings are Domino's API's.
func restful(t *testing.T) fixture {
	t.Helper()
	f := fixture{name: "restful", secrets: map[string]string{"env:SIM_TOKEN": "canary-token-new", "env:SIM_FRESH": "canary-fresh-new"}}
	var err error
	if f.content, err = os.ReadFile("../sim/testdata/restful/sandbox.json"); err != nil {
		t.Fatal(err)
	}
	f.before, f.after = compiled(t, "restful-before"), compiled(t, "restful")
	return f
}

// TestTiersThatComeAndGoKilledAtEveryCall: made once, and archived.
func TestTiersThatComeAndGoKilledAtEveryCall(t *testing.T) {
	f := restful(t)
	f.after = compiled(t, "archiving")
	killedAtEveryCall(t, f)
}

// TestKindsOverTheAPIKilledAtEveryCall: there and back, wherever a process dies.
func TestKindsOverTheAPIKilledAtEveryCall(t *testing.T) {
	t.Run("apply", func(t *testing.T) { t.Parallel(); killedAtEveryCall(t, restful(t)) })
	t.Run("taken back", func(t *testing.T) { t.Parallel(); killedAndTakenBack(t, restful(t)) })
	t.Run("killed on the way back", func(t *testing.T) { t.Parallel(); takenBackKilled(t, restful(t)) })
}

// TestAForgedPlanOverTheAPIIsRefused, as one over MongoDB is.
func TestAForgedPlanOverTheAPIIsRefused(t *testing.T) {
	f := restful(t)
	r := f.start(t)
	for name, c := range map[string]struct {
		change func(*planner.Step)
		says   string
	}{
		"as made":         {func(*planner.Step) {}, ""},
		"another kind":    {func(s *planner.Step) { s.Object = "domino/setting#common/x" }, "is on what nothing of hardwareTiers is written to"},
		"no condition":    {func(s *planner.Step) { s.Expects = nil }, "changes an object without a condition"},
		"another outside": {func(s *planner.Step) { s.Object = "mongo/hardware_tier#small" }, "has an operation for other objects"},
	} {
		p := r.saved(f)
		for i, s := range p.Steps {
			if s.Op == "domino.tier.put" {
				c.change(&p.Steps[i])
				break
			}
		}
		err := r.engine(f.after).Fits(p.Sealed())
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, planner.ErrAltered) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}
