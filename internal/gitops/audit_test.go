package gitops_test

import (
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/state"
)

func TestAudit(t *testing.T) {
	s := state.Memory()
	put(t, s, "gitops/approvals/0123/ada/7", `{"effect":"0123","pull":3,"head":"c1","user":"ada","comment":"7","at":"2026-03-01T10:00:00Z","plan":"p1"}`)
	all, err := gitops.Audit(t.Context(), s)
	if err != nil || len(all) != 1 || all[0].Who != "ada" || all[0].Pull != 3 || all[0].Apply != "p1" || all[0].Did != "approve" || all[0].Commit != "c1" {
		t.Errorf("%+v, %v", all, err)
	}
	put(t, s, "gitops/approvals/0123/eve/8", `{`)
	if all, err := gitops.Audit(t.Context(), s); err == nil || len(all) != 1 {
		t.Errorf("%+v, %v", all, err)
	}
}
