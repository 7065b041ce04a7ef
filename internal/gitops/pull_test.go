package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sim"
)

// hall is a rig whose branch was applied, with a pull request on a forge.
type hall struct {
	rig
	*board
	at   *gitops.Reception
	head string
	log  bytes.Buffer
}

func newHall(t *testing.T) *hall {
	t.Helper()
	h := &hall{rig: newRig(t)}
	h.rig.commit("modern-before")
	h.turn()
	h.board = newBoard(h.rig)
	h.git("checkout", "-q", "-b", "work")
	h.head = h.commit("modern")
	h.propose(1, "work")
	h.restart()
	return h
}

// restart is another controller.
func (h *hall) restart() { h.at = h.reception(h.board, sim.KillAfter(-1), &h.log) }

func (h *hall) look() {
	h.t.Helper()
	look(h.t, h.at)
}

func (h *hall) record(pull int) gitops.PullPlan {
	h.t.Helper()
	rec, _, err := gitops.ReadPullPlan(h.t.Context(), h.machine.Store, pull)
	if err != nil {
		h.t.Fatal(err)
	}
	return rec
}

// write commits a file to the branch that is checked out.
func (h *hall) write(name, text string) string {
	h.t.Helper()
	at := filepath.Join(h.repo, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(at), 0o700), os.WriteFile(at, []byte(text), 0o600)); err != nil {
		h.t.Fatal(err)
	}
	h.git("add", "-A")
	h.git("commit", "-q", "-m", "x")
	return h.git("rev-parse", "HEAD")
}

// TestPullIsPlanned: a pull request shows what its merge would do, once, and again when
// it moves.
func TestPullIsPlanned(t *testing.T) {
	h := newHall(t)
	h.look()
	said := h.said(1)
	if len(said) != 1 || !strings.Contains(said[0], "Changed since `main") || !slices.Equal(h.shown(h.head), []string{"pending", "success"}) {
		t.Fatalf("%q, %q", said, h.shown(h.head))
	}
	rec := h.record(1)
	if rec.Head != h.head || !rec.Told || rec.Comment != "1" || !strings.Contains(said[0], rec.Effect) || !strings.Contains(said[0], rec.Plan) {
		t.Errorf("%+v", rec)
	}
	h.count()
	h.look()
	if got := h.count(); got["Pulls"] != 1 || len(got) != 1 {
		t.Errorf("a look at what stands asks %v", got)
	}
	h.restart()
	h.look()
	if got := h.count(); got["Pulls"] != 1 || len(got) != 1 {
		t.Errorf("a look after a restart asks %v", got)
	}
	next := h.commit("modern-before")
	h.propose(1, "work")
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "no longer changes anything") || !slices.Equal(h.shown(next), []string{"success"}) {
		t.Errorf("%q, %q", said, h.shown(next))
	}
	again := h.commit("modern", "package domino", "package domino // again")
	h.propose(1, "work")
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], again) || h.record(1).Effect != rec.Effect {
		t.Errorf("%q", said)
	}
}

// TestPullOfTheMerge: what is planned is what a merge would give, not what stands on the
// pull request's branch.
func TestPullOfTheMerge(t *testing.T) {
	h := newHall(t)
	h.look()
	first := h.record(1)
	h.git("checkout", "-q", "main")
	h.write("README.md", "Ours.\n")
	h.engines(t, 0)
	if rec := h.record(1); rec.Base == first.Base || rec.Plan != first.Plan {
		t.Errorf("a branch that moved elsewhere: %+v, was %+v", rec, first)
	}
	moved := h.write("prod/zz.cue", "package domino\n\nsettings: raw: \"com.sim.other\": \"77\"\n")
	h.engines(t, 1)
	rec := h.record(1)
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], moved[:12]) || rec.Behind || rec.Files == first.Files || rec.Plan == first.Plan {
		t.Errorf("%q, %+v", said, rec)
	}
	h.turn() // what the branch brought is applied: the pull request's effect is another
	h.engines(t, 1)
	if now := h.record(1); now.Effect == rec.Effect || strings.Contains(h.said(1)[0], "+ settings.com.sim.other") {
		t.Errorf("%+v\nwas %+v\n%s", now, rec, h.said(1)[0])
	}
	h.write("prod/compute.cue", "package domino\n")
	h.look()
	if said := h.said(1); !strings.Contains(said[0], "DC530") || !strings.Contains(said[0], "branch main changed prod/compute.cue otherwise") || !h.record(1).Behind || !h.record(1).Refused {
		t.Errorf("%s", said[0])
	}
	if s := h.shown(h.head); s[len(s)-1] != "failure" {
		t.Errorf("%q", s)
	}
}

// engines looks, and counts the engines that are opened for that.
func (h *hall) engines(t *testing.T, want int64) {
	t.Helper()
	var n atomic.Int64
	d := h.at.Desks[0]
	open := d.Engine
	d.Engine = func(ctx context.Context, tree gitops.Tree, c gitops.Compiled) (*engine.Engine, func(), error) {
		n.Add(1)
		return open(ctx, tree, c)
	}
	h.look()
	h.look()
	if d.Engine = open; n.Load() != want {
		t.Errorf("%d plans, want %d", n.Load(), want)
	}
}

// TestPullInvalid: files that are wrong are told with their places, and nothing is
// opened for them.
func TestPullInvalid(t *testing.T) {
	h := newHall(t)
	bad := h.commit("modern", "cores: 2", "coers: 2")
	h.propose(1, "work")
	h.engines(t, 0)
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "compute.cue:") || !strings.Contains(said[0], "nothing can be applied, because of the errors") || strings.Contains(said[0], "effect") {
		t.Errorf("%q", said)
	}
	if got := h.shown(bad); !slices.Equal(got, []string{"pending", "failure"}) || !h.record(1).Refused || h.record(1).Why == "" {
		t.Errorf("%q, %+v", got, h.record(1))
	}
	other := h.commit("modern", `"sim-modern"`, `"other"`)
	h.propose(1, "work")
	h.engines(t, 0)
	if said := h.said(1); !strings.Contains(said[0], "DC521") || !slices.Equal(h.shown(other), []string{"pending", "failure"}) {
		t.Errorf("%q", said)
	}
	h.git("rm", "-rq", "prod")
	h.git("commit", "-qm", "x")
	h.propose(1, "work")
	h.look()
	if said := h.said(1); !strings.Contains(said[0], "DC523") {
		t.Errorf("%q", said)
	}
}

// TestPullNewest: a push while an earlier head is planned ends that; a forced one too.
func TestPullNewest(t *testing.T) {
	h := newHall(t)
	d, begun := h.at.Desks[0], make(chan string, 10)
	open := d.Engine
	d.Engine = func(ctx context.Context, tree gitops.Tree, c gitops.Compiled) (*engine.Engine, func(), error) {
		begun <- tree.Commit
		if tree.Commit == h.head {
			<-ctx.Done() // it would take for ever
			return nil, func() {}, ctx.Err()
		}
		return open(ctx, tree, c)
	}
	if _, err := h.at.Look(t.Context()); err != nil || <-begun != h.head {
		t.Fatal(err)
	}
	h.git("checkout", "-q", "-B", "work", "main")
	forced := h.commit("modern", "package domino", "package domino // forced")
	h.propose(1, "work")
	h.look()
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], forced) || <-begun != forced {
		t.Errorf("%q", said)
	}
	if !slices.Equal(h.shown(h.head), []string{"pending"}) || !slices.Equal(h.shown(forced), []string{"pending", "success"}) || h.log.Len() > 0 {
		t.Errorf("%q, %q\n%s", h.shown(h.head), h.shown(forced), &h.log)
	}
}

// TestPullGone: a head that is not there is no news.
func TestPullGone(t *testing.T) {
	h := newHall(t)
	h.git("checkout", "-q", "main")
	h.git("branch", "-qD", "work")
	h.git("update-ref", "-d", "refs/pull/1/head")
	h.look()
	if h.log.Len() > 0 || len(h.said(1)) > 0 || len(h.shown(h.head)) > 0 {
		t.Errorf("%s %q", &h.log, h.said(1))
	}
	h.git("update-ref", "refs/heads/work", h.head) // as a forge that moves the branch first
	if err := h.machine.Clock.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	h.look()
	if len(h.said(1)) != 1 {
		t.Errorf("%s %q", &h.log, h.said(1))
	}
	h.pulls[1].Base = "gone"
	h.look()
	h.git("checkout", "-q", "--orphan", "strange")
	h.commit("modern")
	h.propose(2, "strange")
	h.look()
	if !strings.Contains(h.log.String(), "have no commit in common") || strings.Count(h.log.String(), "\n") != 1 {
		t.Errorf("%s", &h.log)
	}
}

// TestPullFork: nothing of a fork's files is evaluated, and nobody's credentials are used
// for it.
func TestPullFork(t *testing.T) {
	h := newHall(t)
	h.pulls[1].Repo = "eve/domino"
	h.at.Desks[0].Compile = func(ctx context.Context, tree gitops.Tree, as string, evaluate bool) (gitops.Compiled, bool, error) {
		if evaluate {
			t.Error("its files are evaluated")
		}
		return h.compileTree(ctx, tree, as, evaluate)
	}
	h.engines(t, 0)
	if said := h.said(1); len(said) != 1 || !strings.Contains(said[0], "from a fork: not planned with credentials") || !slices.Equal(h.shown(h.head), []string{"error"}) {
		t.Errorf("%q, %q", said, h.shown(h.head))
	}
	h.count()
	h.restart()
	h.look()
	if got := h.count(); len(got) != 1 {
		t.Errorf("a look after a restart asks %v", got)
	}
	h.pulls[1].Repo = "" // the fork was deleted
	h.pulls[1].HeadCommit = h.write("a", "b")
	h.git("update-ref", "refs/pull/1/head", "HEAD")
	h.look()
	if len(h.said(1)) != 1 || !slices.Equal(h.shown(h.pulls[1].HeadCommit), []string{"error"}) {
		t.Errorf("%q", h.said(1))
	}
}

// TestPullHostile: no name or text of a pull request comes to the reader as anything but
// text.
func TestPullHostile(t *testing.T) {
	h := newHall(t)
	const bad = "<img src=x> @acme/admins [a](b) \x1b[31m\u202e"
	h.pulls[1].Author = bad
	h.git("branch", "-m", "main", "ma`in@acme/admins<b>")
	h.pulls[1].Base, h.at.Desks[0].Bound.Branch = "ma`in@acme/admins<b>", "ma`in@acme/admins<b>"
	h.write("prod/x`@acme.cue", "package domino\n\nsettings: \"@acme/admins \\u202e `<b>\": 1\n")
	h.propose(1, "work")
	h.look()
	said := h.said(1)
	if len(said) != 1 {
		t.Fatal(said)
	}
	for _, never := range []string{"\x1b", "\u202e"} {
		if strings.Contains(said[0], never) {
			t.Errorf("%q", said[0])
		}
	}
	fenced := false
	for line := range strings.Lines(said[0]) {
		if strings.HasPrefix(line, "```") {
			fenced = !fenced
		}
		bare := line
		for strings.Count(bare, "`") > 1 {
			before, rest, _ := strings.Cut(bare, "`")
			_, after, _ := strings.Cut(rest, "`")
			bare = before + after
		}
		if !fenced && strings.ContainsAny(bare, "@<") {
			t.Errorf("%q is no code", line)
		}
	}
	for _, s := range h.statuses[h.pulls[1].HeadCommit+" domctl/sim-modern"] {
		if strings.ContainsAny(s.Text, "\x1b\u202e") {
			t.Errorf("%q", s.Text)
		}
	}
}

// TestPullComment: a comment that somebody deleted is written again with the next plan.
func TestPullComment(t *testing.T) {
	h := newHall(t)
	h.look()
	h.board.mu.Lock()
	h.comments[1] = nil
	h.board.mu.Unlock()
	first := h.record(1)
	if err := h.at.Replan(t.Context(), h.at.Desks[0], 1); err != nil {
		t.Fatal(err)
	}
	h.look()
	if rec := h.record(1); len(h.said(1)) != 1 || rec.Plan == first.Plan || rec.Effect != first.Effect || rec.Comment != "2" {
		t.Errorf("%q, %+v", h.said(1), h.record(1))
	}
	if err := h.at.Replan(t.Context(), h.at.Desks[0], 77); err != nil {
		t.Error(err)
	}
}
