package gitops_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
	"domctl.dev/schema"
)

// ends are the last states that a commit shows: of the deployment, and of all.
func (b *board) ends(commit string) [2]string {
	b.mu.Lock()
	defer b.mu.Unlock()
	say := func(name string) string {
		all := b.statuses[commit+" "+name]
		if len(all) == 0 {
			return "none"
		}
		return string(all[len(all)-1].State) + " " + all[len(all)-1].Text
	}
	return [2]string{say("domctl/sim-modern"), say(gitops.SumName)}
}

// refuses has what lives refuse all plans of a desk.
func refuses(d *gitops.Desk) {
	d.Engine = func(context.Context, gitops.Tree, gitops.Compiled) (*engine.Engine, func(), error) {
		return nil, func() {}, &engine.Invalid{Findings: []schema.Finding{{Code: "DC235", Severity: schema.Error, Message: "what lives does not allow it"}}}
	}
}

// steals opens a stranger's pull request of ann's head, from a fork.
func (h *hall) steals(n int) {
	h.propose(n, "work")
	h.pulls[n].Repo, h.pulls[n].Author = "mallory/domino", "mallory"
}

// TestForkOfAnothersHead: a stranger's pull request of the same head changes nothing of
// what that shows, whether forks are planned or not; it has its comment.
func TestForkOfAnothersHead(t *testing.T) {
	for name, make := range map[string]func() *hall{
		"not planned": func() *hall { return newHall(t) },
		"planned": func() *hall {
			a := newAlley(t)
			a.pulls[1].Repo = repo
			refuses(a.at.Desks[0])
			return a.hall
		},
	} {
		h := make()
		h.look()
		was := h.ends(h.head)
		if name == "planned" && !strings.HasPrefix(was[0], "failure") || name != "planned" && !strings.HasPrefix(was[1], "success") {
			t.Fatalf("%s: %q", name, was)
		}
		h.steals(2)
		for range 3 {
			h.look()
		}
		if now := h.ends(h.head); now != was {
			t.Errorf("%s: a stranger makes %q of %q", name, now, was)
		}
		if len(h.said(2)) != 1 {
			t.Errorf("%s: the fork is told %q", name, h.said(2))
		}
		at := h.at
		h.at = h.reception(h.board, sim.KillAfter(-1), &h.log) // another controller
		h.at.Desks[0].Engine, h.at.Desks[0].Bound.Recording = at.Desks[0].Engine, at.Desks[0].Bound.Recording
		before := len(h.sums(h.head))
		h.look()
		if now := h.ends(h.head); now != was || len(h.sums(h.head)) != before {
			t.Errorf("%s: another controller shows %q", name, now)
		}
	}
}

// TestForkBeforeAnothersHead: what a fork showed first is not left on the head of a pull
// request of the repository, not even while that is planned.
func TestForkBeforeAnothersHead(t *testing.T) {
	a := newAlley(t)
	a.pulls[1].Author = "mallory"
	a.look()
	if was := a.ends(a.head); !strings.HasPrefix(was[0], "success") || !strings.HasPrefix(was[1], "success") {
		t.Fatalf("%q", was)
	}
	refuses(a.at.Desks[0])
	a.propose(2, "work")
	for range 3 {
		a.look()
	}
	if now := a.ends(a.head); !strings.HasPrefix(now[0], "failure") || now[1] != "failure refused: sim-modern" {
		t.Errorf("%q", now)
	}
	if got := a.sums(a.head); !slices.Equal(got[1:], []string{"pending pull request 2: being planned", "failure refused: sim-modern"}) {
		t.Errorf("%q", got)
	}
	if got := a.shown(a.head); !slices.Equal(got, []string{"pending", "success", "pending", "failure"}) {
		t.Errorf("%q", got)
	}
}

// TestForkOfTheBranch: what the newest commit of a deployment's branch shows is the
// apply's, whatever branch a stranger proposes it for.
func TestForkOfTheBranch(t *testing.T) {
	h := newHall(t)
	h.stages()
	h.git("branch", "same", "main")
	h.propose(2, "same")
	h.pulls[2].Repo, h.pulls[2].Base = "mallory/domino", "staging"
	for range 2 {
		h.look()
	}
	if now := h.ends(h.pulls[2].HeadCommit); now != [2]string{"none", "none"} {
		t.Errorf("%q", now)
	}
}

// TestForkOfAnyBranch: nor does a stranger say anything of a commit that any other branch
// stands on, before a pull request of the repository brings it. While the branches cannot
// be read no fork sets a status.
func TestForkOfAnyBranch(t *testing.T) {
	a := newAlley(t)
	a.git("branch", "feature", "work")
	a.look()
	none := [2]string{"none", "none"}
	if now := a.ends(a.head); now != none || len(a.said(1)) != 1 || !strings.Contains(a.said(1)[0], "comes from a fork") {
		t.Errorf("%q, %q", now, a.said(1))
	}
	refuses(a.at.Desks[0])
	a.propose(2, "feature")
	a.look()
	a.look()
	if now := a.ends(a.head); now[1] != "failure refused: sim-modern" {
		t.Errorf("%q", now)
	}

	a.pulls[2].State = port.PullClosed
	a.git("branch", "-D", "feature")
	source := a.at.Source
	a.at.Source = headless{source}
	a.git("checkout", "-q", "-f", "work")
	a.write("README.md", "More.\n")
	a.propose(1, "work")
	if _, err := a.at.Look(t.Context()); err == nil || !strings.Contains(err.Error(), "no branches") {
		t.Errorf("%v", err)
	}
	a.at.Wait()
	if now := a.ends(a.pulls[1].HeadCommit); now != none {
		t.Errorf("%q", now)
	}
}

// headless is a source whose branches cannot be listed.
type headless struct{ gitops.Proposals }

func (headless) Heads(context.Context) (map[string]string, error) {
	return nil, errors.New("no branches")
}

// stages adds a deployment of another branch.
func (h *hall) stages() *gitops.Desk {
	h.git("branch", "staging", "main")
	staging, store := *h.at.Desks[0], state.Memory()
	staging.Name, staging.Bound.Branch = "staging", "staging"
	staging.Records = func(context.Context) (applier.Store, error) { return store, nil }
	h.at.Desks = append(h.at.Desks, &staging)
	return &staging
}

// TestSumOfSeveralBranches: of one head that is proposed for two branches the worst is
// shown, as long as both are open, and by each controller that follows.
func TestSumOfSeveralBranches(t *testing.T) {
	h := newHall(t)
	staging := h.stages()
	prod := h.at.Desks[0]
	refuses(prod)
	h.look()
	h.propose(2, "work")
	h.pulls[2].Base = "staging"
	want := func(what, sum string) {
		t.Helper()
		for range 3 {
			h.look()
		}
		if got := h.sums(h.head); got[len(got)-1] != sum {
			t.Errorf("%s: %q", what, got)
		}
	}
	want("opened", "failure pull request 1: refused: sim-modern")
	again := func() {
		open := h.at.Desks[0].Engine
		h.restart()
		h.at.Desks[0].Engine = open
		h.at.Desks = append(h.at.Desks, staging)
	}
	again()
	want("another controller", "failure pull request 1: refused: sim-modern")
	h.pulls[1].State = port.PullClosed
	want("the refused one closed", "success planned: staging")
	h.pulls[1].State = port.PullOpen
	want("opened again", "failure pull request 1: refused: sim-modern")
	again()
	h.pulls[2].State = port.PullClosed
	want("the planned one closed", "failure refused: sim-modern")
}

// TestSumOfSeveralWaits: success is not shown before all of one head have it, and a
// pull request that is for another branch now says nothing of what another one shows.
func TestSumOfSeveralWaits(t *testing.T) {
	h := newHall(t)
	staging := h.stages()
	h.look()
	open := staging.Engine
	staging.Engine = func(context.Context, gitops.Tree, gitops.Compiled) (*engine.Engine, func(), error) {
		return nil, func() {}, errors.New("MongoDB cannot be reached")
	}
	h.propose(2, "work")
	h.pulls[2].Base = "staging"
	_, _ = h.at.Look(t.Context())
	h.at.Wait()
	if got := h.sums(h.head); !slices.Equal(got[:2], []string{"success planned: sim-modern", "pending pull request 2: being planned"}) || got[len(got)-1] != "error pull request 2: not planned: staging" {
		t.Errorf("%q", got)
	}
	staging.Engine = open
	if err := h.at.Replan(t.Context(), staging, 2); err != nil {
		t.Fatal(err)
	}
	h.look()
	h.look()
	if got := h.sums(h.head); got[len(got)-1] != "success pull request 1: planned: sim-modern" {
		t.Errorf("%q", got)
	}

	refuses(h.at.Desks[0])
	if err := h.at.Replan(t.Context(), h.at.Desks[0], 1); err != nil {
		t.Fatal(err)
	}
	h.git("branch", "twin", "work")
	h.propose(3, "twin") // of the same head, for the same branch
	h.look()
	h.git("branch", "other", "main")
	h.pulls[3].Base = "other"
	for range 3 {
		h.look()
	}
	if now := h.ends(h.head); !strings.HasPrefix(now[0], "failure") || now[1] != "failure pull request 1: refused: sim-modern" || !strings.Contains(h.said(3)[0], "no longer changes anything") {
		t.Errorf("%q, %q", now, h.said(3))
	}
}

// heads is an alley with a head that has two pull requests.
type heads struct {
	alley
	staging applier.Store
	forked  bool // the first is a stranger's
}

// newHeads has shown the first pull request, which is refused, or a fork's that is not.
func (a alley) newHeads(forked bool) heads {
	h := heads{alley{&hall{rig: a.copy(), head: a.head}}, state.Memory(), forked}
	h.board = newBoard(h.rig)
	if h.propose(1, "work"); forked {
		h.pulls[1].Repo = "mallory/domino"
	}
	h.with(h.board, sim.KillAfter(-1))
	h.look()
	if h.propose(2, "work"); !forked {
		h.pulls[2].Base = "staging"
	}
	return h
}

// with is another controller, which dies with its gate.
func (h heads) with(f port.Forge, kill *sim.Kill) {
	h.at = h.reception(f, kill, &h.log)
	prod := h.at.Desks[0]
	prod.Bound.Recording = config.Recording{File: worldFile}
	staging := *prod
	staging.Name, staging.Bound.Branch = "staging", "staging"
	staging.Records = func(context.Context) (applier.Store, error) {
		return sim.Gated(h.staging, kill.Gate, h.machine.Clock), nil
	}
	if refuses(prod); !h.forked {
		h.at.Desks = append(h.at.Desks, &staging)
	}
}

// TestHeadsKilled: wherever a controller dies that sees a second pull request of a head,
// the next one shows what counts, also where one of them was closed meanwhile.
func TestHeadsKilled(t *testing.T) {
	a := newAlley(t)
	a.git("branch", "staging", "main")
	for at, then := range []struct {
		name   string
		closed int
		sum    string
	}{
		{"both", 0, "failure pull request 1: refused: sim-modern"},
		{"without the refused", 1, "success planned: staging"},
		{"without the planned", 2, "failure refused: sim-modern"},
		{"a fork first", 0, "failure refused: sim-modern"},
	} {
		forked, k := then.name == "a fork first", at%3 // together they die everywhere
		for step := 3; ; k += step {
			h, kill := a.newHeads(forked), sim.KillAfter(k)
			h.with(gatedForge{h.board, kill.Gate}, kill)
			_, _ = h.at.Look(t.Context())
			h.at.Wait()
			if p := h.pulls[then.closed]; p != nil {
				p.State = port.PullClosed
			}
			h.with(h.board, sim.KillAfter(-1))
			h.look()
			h.look()
			if got := h.ends(h.head); got[1] != then.sum || forked && !strings.HasPrefix(got[0], "failure") {
				t.Fatalf("%s: killed after %d, %q: %q, %q", then.name, k, kill.Sides(), got, h.sums(h.head))
			}
			if len(kill.Sides()) < k {
				t.Logf("%s: %d sides of calls", then.name, len(kill.Sides()))
				break
			}
			if testing.Short() {
				step = 8
			}
		}
	}
}
