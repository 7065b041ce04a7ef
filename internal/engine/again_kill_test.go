package engine_test

import (
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

// TestDyingWhileBuildingAgain: one revision is made, whenever the process dies.
func TestDyingWhileBuildingAgain(t *testing.T) {
	for _, f := range fixtures(t) {
		if f.name != "building" {
			continue
		}
		r := f.start(t)
		r.applyAll(f.after)
		r.Effects = nil
		diesEverywhere(t, r, f.after, func(e *engine.Engine) (planner.Plan, error) {
			return e.Plan(t.Context(), engine.PlanOptions{Rebuild: []string{"environments.*"}, Target: []string{"environments.*"}})
		})
	}
}
