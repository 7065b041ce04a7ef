package gitops_test

import (
	"errors"
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
)

// TestAPlanIsKeptUntilTheNext, whole: one that was altered is not shown.
func TestAPlanIsKeptUntilTheNext(t *testing.T) {
	s := state.Memory()
	if _, there, err := gitops.ReadPlan(t.Context(), s, gitops.HeadPlan); there || err != nil {
		t.Error(there, err)
	}
	for _, id := range []string{"one", "two"} {
		if err := gitops.KeepPlan(t.Context(), s, gitops.HeadPlan, planner.Plan{Format: planner.Format, ID: id}); err != nil {
			t.Fatal(err)
		}
		if p, there, err := gitops.ReadPlan(t.Context(), s, gitops.HeadPlan); p.ID != id || !there || err != nil {
			t.Error(p.ID, there, err)
		}
	}
	if _, there, err := gitops.ReadPlan(t.Context(), s, gitops.PullPlanOf(3)); there || err != nil {
		t.Error(there, err)
	}
	body, etag, err := s.Get(t.Context(), "gitops/plans/head")
	if err == nil {
		_, err = s.PutIfMatch(t.Context(), "gitops/plans/head", append(body[:len(body)-3:len(body)-3], ' ', '}', '\n'), etag)
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, there, err := gitops.ReadPlan(t.Context(), s, gitops.HeadPlan); there || !errors.Is(err, planner.ErrAltered) && !errors.Is(err, planner.ErrNoPlan) {
		t.Error(there, err)
	}
}
