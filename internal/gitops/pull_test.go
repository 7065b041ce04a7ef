package gitops_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sim"
)

// planned is a rig whose branch was applied, and a pull request on it.
func planned(t *testing.T) (rig, *board, *gitops.Reception, string) {
	t.Helper()
	r := newRig(t)
	r.commit("modern-before")
	r.turn()
	b := newBoard(r)
	r.git("checkout", "-q", "-b", "work")
	head := r.commit("modern")
	b.propose(1, "work")
	return r, b, r.reception(b, sim.KillAfter(-1), nil), head
}

// TestPullIsPlanned: a pull request shows what its merge would do, once, and again when
// it moves.
func TestPullIsPlanned(t *testing.T) {
	r, b, at, head := planned(t)
	look(t, at)
	said := b.said(1)
	if len(said) != 1 || !strings.Contains(said[0], "Changed since `main") || !slices.Equal(b.shown(head), []string{"pending", "success"}) {
		t.Fatalf("%q, %q", said, b.shown(head))
	}
	rec, there, err := gitops.ReadPullPlan(t.Context(), r.machine.Store, 1)
	if err != nil || !there || rec.Head != head || !rec.Told || rec.Comment != "1" || !strings.Contains(said[0], rec.Effect) || !strings.Contains(said[0], rec.Plan) {
		t.Errorf("%+v, %v", rec, err)
	}
	b.count()
	look(t, at)
	if got := b.count(); got["Pulls"] != 1 || len(got) != 1 {
		t.Errorf("a look at what stands asks %v", got)
	}
	at = r.reception(b, sim.KillAfter(-1), nil)
	look(t, at)
	if got := b.count(); got["Pulls"] != 1 || len(got) != 1 {
		t.Errorf("a look after a restart asks %v", got)
	}
	next := r.commit("modern-before")
	b.propose(1, "work")
	look(t, at)
	if said := b.said(1); len(said) != 1 || !strings.Contains(said[0], "no longer changes anything") || !slices.Equal(b.shown(next), []string{"success"}) {
		t.Errorf("%q, %q", said, b.shown(next))
	}
}
