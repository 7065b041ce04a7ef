package engine_test

import (
	"errors"
	"strings"
	"testing"

	"domctl.dev/planner"
)

// TestTiersThatComeAndGoKilledAtEveryCall: made once, and archived.
func TestTiersThatComeAndGoKilledAtEveryCall(t *testing.T) {
	f := deployment(t, "restful")
	f.after = compiled(t, "archiving")
	killedAtEveryCall(t, f)
}

// TestKindsOverTheAPIKilledAtEveryCall: there and back, wherever a process dies.
func TestKindsOverTheAPIKilledAtEveryCall(t *testing.T) {
	t.Run("apply", func(t *testing.T) { t.Parallel(); killedAtEveryCall(t, deployment(t, "restful")) })
	t.Run("taken back", func(t *testing.T) { t.Parallel(); killedAndTakenBack(t, deployment(t, "restful")) })
	t.Run("killed on the way back", func(t *testing.T) { t.Parallel(); takenBackKilled(t, deployment(t, "restful")) })
}

// TestAForgedPlanOverTheAPIIsRefused, as one over MongoDB is.
func TestAForgedPlanOverTheAPIIsRefused(t *testing.T) {
	f := deployment(t, "restful")
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
