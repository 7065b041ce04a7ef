package gitops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// TestForkKilled: wherever a controller dies that plans a fork, the next one shows the
// same, once.
func TestForkKilled(t *testing.T) {
	base := newAlley(t)
	base.look() // what it compiled is kept
	fresh := func(kill *sim.Kill) (alley, *gitops.Reception) {
		one := alley{&hall{rig: base.copy(), head: base.head}}
		for _, key := range []string{"gitops/pulls/1", "gitops/plans/pull-1"} {
			if err := one.machine.Store.Delete(t.Context(), key); err != nil {
				t.Fatal(err)
			}
		}
		one.board = newBoard(one.rig)
		one.propose(1, "work")
		one.pulls[1].Repo = "eve/domino"
		one.machine.Box, one.machine.Secrets = nil, nil
		at := one.reception(gatedForge{one.board, kill.Gate}, kill, nil)
		at.Desks[0].Bound.Recording = config.Recording{File: worldFile}
		return one, at
	}
	kill := sim.KillAfter(-1)
	_, at := fresh(kill)
	look(t, at)
	sides := kill.Sides()
	if len(sides) < 20 {
		t.Fatalf("%q", sides)
	}
	step := 1
	if testing.Short() {
		step = 5
	}
	for k := 0; k < len(sides); k += step {
		one, at := fresh(sim.KillAfter(k))
		_, _ = at.Look(t.Context())
		at.Wait()
		one.restart()
		one.look()
		rec, said, shown := one.record(1), one.said(1), one.shown(one.head)
		if len(said) != 1 || !rec.Told || rec.Recording == "" || rec.Effect != "" || !strings.Contains(said[0], "plan `recorded`") || shown[len(shown)-1] != "success" {
			t.Fatalf("killed after %d (%s): %+v\n%q\n%q", k, sides[k], rec, said, shown)
		}
	}
	t.Logf("%d sides of calls", len(sides))
}

// TestForkFaults: whatever call of the forge fails, nothing is lost and nothing said twice.
func TestForkFaults(t *testing.T) {
	h := newAlley(t)
	h.failsAtEach(func() { h.secluded() }, h.restart)
	if rec := h.record(1); len(h.said(1)) != 1 || !rec.Told || rec.Recording == "" {
		t.Errorf("%q, %+v", h.said(1), rec)
	}
}

// TestForkPlannedSince: a controller that is told of a recording plans what it did not
// plan, and one that is not any more says so.
func TestForkPlannedSince(t *testing.T) {
	h := newAlley(t)
	h.at.Desks[0].Bound.Recording = config.Recording{}
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "DC531") || !strings.Contains(said[0], "as the deployment's `recording`") || !strings.Contains(h.status().Text, "DC531") {
		t.Fatalf("%q", said)
	}
	for range 2 {
		h.restart()
		h.look()
		said := h.said(1)
		if len(said) != 2 || strings.Contains(said[0], "DC531") || !strings.Contains(said[0], "it is planned from a recording") || !strings.Contains(said[1], "plan `recorded`") || h.status().State != port.CommitSuccess {
			t.Fatalf("%q", said)
		}
		h.restart()
		h.at.Desks[0].Bound.Recording = config.Recording{}
		h.look()
		said = h.said(1)
		if len(said) != 2 || !strings.Contains(said[0], "DC531") || strings.Contains(said[1], "plan `recorded`") || h.status().State != port.CommitError {
			t.Fatalf("%q", said)
		}
	}
	// Another deployment of the branch plans none: what was said of forks stays.
	h.restart()
	other := *h.at.Desks[0]
	other.Name, other.Bound.Recording, other.Compile = "other", config.Recording{}, nil
	h.at.Desks = append(h.at.Desks, &other)
	h.look()
	if said := h.said(1); len(said) != 2 || !strings.Contains(said[0], "DC531") || !strings.Contains(said[1], "plan `recorded`") {
		t.Errorf("%q", said)
	}
}

// TestForkIsToldNothing of the controller's file: it says what it likes in its own, and
// what it is bound to stands in no answer.
func TestForkIsToldNothing(t *testing.T) {
	h := newAlley(t)
	h.head = h.commit("modern", `"sim-modern"`, `"guess"`)
	h.propose(1, "work")
	h.secluded()
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "error DC521: the files state another outside") || strings.Contains(said[0], "controller binds") || strings.Contains(said[0], "guess") {
		t.Errorf("%s", said)
	}
	if got := h.shown(h.head); !slices.Equal(got, []string{"pending", "failure"}) {
		t.Errorf("%q", got)
	}
}

// TestForkLearnsNoRules: neither what a rule is called or about, nor which secrets are
// listed, but that something of it is not as it may be.
func TestForkLearnsNoRules(t *testing.T) {
	defer func(was []config.Rule) { bound.Rules = was }(bound.Rules)
	bound.Rules = []config.Rule{{Name: "project-zeus", When: config.When{Findings: []string{"DC201"}}}}
	off, secret := "deployment: findings: DC201: \"off\"\n", "settings: raw: \"com.sim.x\": secret: env: \"NOT_LISTED\"\n"
	for _, files := range []string{off, secret, off + secret} {
		h := newAlley(t)
		h.write("prod/more.cue", "package domino\n\n"+files)
		h.propose(1, "work")
		h.look()
		said := h.said(1)
		if text := strings.Join(said, "\n"); !strings.Contains(text, "error DC521: the files state another outside") || strings.Contains(text, "zeus") || strings.Contains(text, "NOT_LISTED") || strings.Contains(text, "DC201") {
			t.Errorf("%s", text)
		}
		if got := h.status(); got.State != port.CommitFailure || strings.Contains(got.Text, "DC522") || strings.Contains(got.Text, "zeus") {
			t.Errorf("%+v", got)
		}
	}
}

// TestForksWait: however many there are, they are planned one at a time, and others have
// the places beside them.
func TestForksWait(t *testing.T) {
	p, desks := gitops.NewPlaces(3), make([]*gitops.Desk, 5)
	for i := range desks {
		desks[i] = &gitops.Desk{Name: fmt.Sprint(i)}
	}
	const fork, own = 3, 0
	first, err := p.Take(t.Context(), desks[0], fork)
	if err != nil {
		t.Fatal(err)
	}
	second := make(chan func())
	go func() { leave, _ := p.Take(t.Context(), desks[1], fork); second <- leave }()
	for _, d := range desks[2:4] {
		if _, err := p.Take(t.Context(), d, own); err != nil {
			t.Fatal(err)
		}
	}
	select {
	case <-second:
		t.Error("two forks have a place")
	default:
	}
	first()
	(<-second)()
	if _, err := p.Take(t.Context(), desks[4], own); err != nil {
		t.Fatal(err)
	}
}
