package gitops_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/sim"
)

// TestPullLinksToThePage: comment and status lead to where the whole plan can be read.
func TestPullLinksToThePage(t *testing.T) {
	h := newHall(t)
	page := "https://domctl.acme.example/deployments/sim-modern"
	for _, d := range h.at.Desks {
		d.Page = page
	}
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "[The whole plan](<"+page+"/pulls/1>): plan ") {
		t.Errorf("%q", said)
	}
	for name, all := range h.board.statuses {
		if last := all[len(all)-1]; last.URL != page+"/pulls/1" {
			t.Errorf("%s leads to %q", name, last.URL)
		}
	}
}

// TestAskedLinksToThePage, where approvals are asked for.
func TestAskedLinksToThePage(t *testing.T) {
	a, _, second := newAsking(t, anyRule)
	a.merges(7, second)
	d := a.desk(sim.KillAfter(-1))
	d.Page = "https://domctl.acme.example/deployments/sim-modern"
	if _, err := d.Turn(t.Context()); err != nil {
		t.Fatal(err)
	}
	if said := a.last(7); !strings.Contains(said, "[The whole plan](<"+d.Page+"/plan>): plan ") {
		t.Errorf("%q", said)
	}
}
