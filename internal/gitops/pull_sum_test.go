package gitops_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
)

// sums are what a commit shows of all deployments, one after the other.
func (b *board) sums(commit string) (all []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, s := range b.statuses[commit+" "+gitops.SumName] {
		all = append(all, string(s.State)+" "+s.Text)
	}
	return all
}

const nothing = "success no deployment changes"

// TestPullOfNoDeployment: one that changes none has a status, so that a forge that asks
// for one lets it be merged, and no comment; so has each head of one that changes some.
func TestPullOfNoDeployment(t *testing.T) {
	h := newHall(t)
	h.look()
	if got := h.sums(h.head); !slices.Equal(got, []string{"success planned: sim-modern"}) {
		t.Errorf("%q", got)
	}
	h.git("checkout", "-q", "-b", "aside", "main")
	aside := h.write("README.md", "Ours.\n")
	h.propose(2, "aside")
	for range 3 {
		h.look()
	}
	if got := h.sums(aside); !slices.Equal(got, []string{nothing}) || len(h.said(2)) > 0 || len(h.shown(aside)) > 0 {
		t.Errorf("%q, %q, %q", got, h.said(2), h.shown(aside))
	}
	h.restart() // who does not know what is shown shows it again
	h.look()
	if got := h.sums(aside); !slices.Equal(got, []string{nothing, nothing}) || len(h.sums(h.head)) != 1 {
		t.Errorf("%q, %q", got, h.sums(h.head))
	}
	next := h.write("README.md", "Ours, and yours.\n")
	h.propose(2, "aside")
	h.look()
	bad := h.write("prod/bad.cue", "package domino\n\nsettings: nonsense: 1\n")
	h.propose(3, "aside")
	h.look()
	if got := h.sums(next); !slices.Equal(got, []string{nothing}) {
		t.Errorf("%q", got)
	}
	if got := h.sums(bad); !slices.Equal(got, []string{"failure refused: sim-modern"}) {
		t.Errorf("%q", got)
	}
	d := h.at.Desks[0]
	open := d.Engine
	d.Engine = func(context.Context, gitops.Tree, gitops.Compiled) (*engine.Engine, func(), error) {
		return nil, func() {}, errors.New("MongoDB cannot be reached")
	}
	if err := h.at.Replan(t.Context(), d, 1); err != nil {
		t.Fatal(err)
	}
	h.look()
	d.Engine = open
	if err := h.machine.Clock.Sleep(t.Context(), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	h.look()
	if got := h.sums(h.head); !slices.Equal(got, []string{"success planned: sim-modern", "error not planned: sim-modern", "success planned: sim-modern"}) {
		t.Errorf("%q", got)
	}
	for n := range h.pulls[2].Number { // none but those for a deployment's branch
		h.pulls[n+1].Base, h.pulls[n+1].HeadCommit = "other", next
	}
	h.look()
	if got := h.sums(next); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

// TestPullOfNoDeploymentKilled: wherever a controller dies, or a call fails, it is shown.
func TestPullOfNoDeploymentKilled(t *testing.T) {
	h := newHall(t)
	h.look()
	h.git("checkout", "-q", "-b", "aside", "main")
	aside := h.write("README.md", "Ours.\n")
	h.propose(2, "aside")
	for k := 0; ; k++ {
		h.statuses = map[string][]port.CommitStatus{}
		kill := sim.KillAfter(k)
		at := h.reception(gatedForge{h.board, kill.Gate}, kill, nil)
		_, err := at.Look(t.Context())
		at.Wait()
		whole := err == nil && len(kill.Sides()) < k
		h.restart()
		h.look()
		if got := h.sums(aside); len(got) < 1 || len(got) > 2 || got[0] != nothing {
			t.Fatalf("killed after %d: %q", k, got)
		}
		if whole {
			t.Logf("%d sides of calls", k-1)
			break
		}
	}
	h.fault = func(call string) error {
		if call == "SetStatus" {
			return errors.New("it answers 500")
		}
		return nil
	}
	h.statuses = map[string][]port.CommitStatus{}
	h.restart()
	h.look()
	h.fault = nil
	h.look()
	if got := h.sums(aside); len(got) > 0 {
		t.Errorf("%q", got)
	}
	if err := h.machine.Clock.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	h.look()
	if got := h.sums(aside); !slices.Equal(got, []string{nothing}) {
		t.Errorf("%q", got)
	}
}

// TestPullWithoutRecords: while the records of one deployment cannot be read nobody says
// that nothing changes; once they can, it is planned there, too.
func TestPullWithoutRecords(t *testing.T) {
	h := newHall(t)
	dark := *h.at.Desks[0]
	store, lit := state.Memory(), false
	dark.Name = "dark"
	dark.Records = func(context.Context) (applier.Store, error) {
		if !lit {
			return nil, errors.New("access denied")
		}
		return store, nil
	}
	h.at.Desks = append(h.at.Desks, &dark)
	h.git("checkout", "-q", "-b", "aside", "main")
	aside := h.write("README.md", "Ours.\n")
	h.propose(2, "aside")
	h.look()
	if len(h.sums(aside)) > 0 || len(h.sums(h.head)) > 0 || len(h.said(1)) != 1 {
		t.Errorf("%q, %q, %q", h.sums(aside), h.sums(h.head), h.said(1))
	}
	lit = true
	h.look()
	if got := h.sums(aside); !slices.Equal(got, []string{nothing}) {
		t.Errorf("%q", got)
	}
	if _, there, err := gitops.ReadPullPlan(t.Context(), store, 1); err != nil || !there || len(h.sums(h.head)) != 1 {
		t.Errorf("it is not planned where the records came: %v, %q", err, h.sums(h.head))
	}
}
