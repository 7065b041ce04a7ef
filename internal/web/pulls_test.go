package web

import (
	"net/http"
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/planner"
)

// TestAForksPull shows that it was planned from a recording, and the plan.
func TestAForksPull(t *testing.T) {
	r := newRig(t)
	r.put("gitops/pulls/"+"14", gitops.PullPlan{Pull: 14, Head: commit, Plan: "recorded", Recording: "0123", Told: true, Nonce: "n"})
	p := planner.Plan{ID: "recorded", Deployment: "sim-modern", Recorded: &planner.Recorded{At: "2026-03-01T10:00:00Z"}, Unknowns: true}
	if err := gitops.KeepPlan(t.Context(), r.machine.Store, gitops.PullPlanOf(14), p); err != nil {
		t.Fatal(err)
	}
	h := r.site().Handler()
	get(t, h, "/deployments/sim-modern").wants(t, "planned from a recording", `href="/deployments/sim-modern/pulls/14"`)
	page := get(t, h, "/deployments/sim-modern/pulls/14")
	if page.status != http.StatusOK {
		t.Error(page.status)
	}
	page.wants(t, "as a recording of 2026-03-01T10:00:00Z has it; no apply goes by that")
}
