package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
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
	h.pulls[1].Title, h.pulls[1].Author = bad, bad
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

// TestPullForgeFaults: whatever call fails, nothing is lost and nothing is said twice;
// what is the matter can be seen, and a forge that asks for it is left alone.
func TestPullForgeFaults(t *testing.T) {
	h := newHall(t)
	for n := 0; ; n++ {
		left := n
		h.fault = func(string) error {
			if left--; left == -1 {
				return errors.New("it answers 500")
			}
			return nil
		}
		_, _ = h.at.Look(t.Context())
		h.at.Wait()
		if left >= 0 {
			break // all calls were made
		}
		if len(h.said(1)) > 1 {
			t.Fatalf("call %d: %q", n, h.said(1))
		}
		if err := h.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
			t.Fatal(err)
		}
		h.restart()
	}
	if rec := h.record(1); len(h.said(1)) != 1 || !rec.Told {
		t.Errorf("%q, %+v", h.said(1), rec)
	}
	for _, c := range []struct {
		err  error
		next time.Duration
	}{{fmt.Errorf("gitea: %w", &port.Throttle{After: 7 * time.Minute}), 7 * time.Minute}, {fmt.Errorf("gitea: %w", port.ErrDenied), 0}, {fmt.Errorf("gitea: %w", port.ErrNotFound), 0}} {
		h.fault = func(string) error { return c.err }
		next, err := h.at.Look(t.Context())
		s := h.at.State()
		if !errors.Is(err, c.err) || next != c.next || s.Failed != c.err.Error() || s.Until.IsZero() == (c.next > 0) || s.Repository != "domino" {
			t.Errorf("%v, %s, %+v", err, next, s)
		}
	}
	h.fault = nil
	h.look()
	if s := h.at.State(); s.Failed != "" || s.Open != 1 || s.Looked.IsZero() {
		t.Errorf("%+v", s)
	}
}

// TestPullKilled: wherever a controller dies, the next one shows the same, once.
func TestPullKilled(t *testing.T) {
	base := newHall(t)
	base.look() // what it compiled is kept
	whole := base.record(1)
	kill := sim.KillAfter(-1)
	fresh := func() (*hall, *board) {
		one := &hall{rig: base.copy(), head: base.head}
		if err := one.machine.Store.Delete(t.Context(), "gitops/pulls/1"); err != nil {
			t.Fatal(err)
		}
		one.board = newBoard(one.rig)
		one.propose(1, "work")
		return one, one.board
	}
	one, b := fresh()
	look(t, one.reception(gatedForge{b, kill.Gate}, kill, nil))
	sides := kill.Sides()
	if len(sides) < 20 {
		t.Fatalf("%q", sides)
	}
	step := 1
	if testing.Short() {
		step = 5
	}
	for k := 0; k < len(sides); k += step {
		one, b := fresh()
		kill := sim.KillAfter(k)
		at := one.reception(gatedForge{b, kill.Gate}, kill, nil)
		_, _ = at.Look(t.Context())
		at.Wait()
		one.restart()
		one.look()
		rec := one.record(1)
		if said := one.said(1); len(said) != 1 || !rec.Told || rec.Effect != whole.Effect || !strings.Contains(said[0], rec.Plan) {
			t.Fatalf("killed after %d (%s): %+v\n%q", k, sides[k], rec, said)
		}
		if s := one.shown(one.head); s[len(s)-1] != "success" {
			t.Fatalf("killed after %d (%s): %q", k, sides[k], s)
		}
	}
	t.Logf("%d sides of calls", len(sides))
}

// TestPullOver: the record of one that is merged or closed stays a while, and no more of
// them than there is room for.
func TestPullOver(t *testing.T) {
	h := newHall(t)
	var heard []string
	h.at.Converse = func(_ context.Context, p port.Pull) error {
		heard = append(heard, fmt.Sprint(p.Number, " ", p.State))
		return nil
	}
	h.look()
	h.pulls[1].State = port.PullMerged
	h.look()
	if rec := h.record(1); rec.State != port.PullMerged || rec.Ended.IsZero() || rec.Effect == "" || !slices.Equal(heard, []string{"1 open", "1 merged"}) {
		t.Errorf("%+v, heard %q", rec, heard)
	}
	h.count()
	h.look()
	h.restart()
	h.look()
	if got := h.count(); got["Pulls"] != 2 || len(got) != 1 {
		t.Errorf("two looks ask %v", got)
	}
	for n := 2; n < 130; n++ {
		body := fmt.Sprintf(`{"pull":%d,"head":"x","told":true,"nonce":"%d"}`, n, n)
		if _, err := h.machine.Store.PutIfNone(t.Context(), fmt.Sprint("gitops/pulls/", n), []byte(body)); err != nil {
			t.Fatal(err)
		}
	}
	h.restart()
	h.look() // they are gone from the forge
	h.look()
	if keys, err := h.machine.Store.List(t.Context(), "gitops/pulls/"); err != nil || len(keys) != 100 {
		t.Errorf("%d records, %v", len(keys), err)
	}
	if err := h.machine.Clock.Sleep(t.Context(), 40*24*time.Hour); err != nil {
		t.Fatal(err)
	}
	h.propose(200, "work")
	h.look()
	h.pulls[200].State = port.PullClosed
	h.look()
	if keys, err := h.machine.Store.List(t.Context(), "gitops/pulls/"); err != nil || !slices.Equal(keys, []string{"gitops/pulls/200"}) {
		t.Errorf("%q, %v", keys, err)
	}
}

// TestPullIsHeard: who listens is called when something moved, for a while, and when it
// was not done.
func TestPullIsHeard(t *testing.T) {
	h := newHall(t)
	var mu sync.Mutex
	heard, answer := 0, error(nil)
	h.at.Converse = func(context.Context, port.Pull) error {
		mu.Lock()
		defer mu.Unlock()
		heard++
		return answer
	}
	want := func(what string, n int) {
		t.Helper()
		h.look()
		mu.Lock()
		defer mu.Unlock()
		if heard != n {
			t.Errorf("%s: heard %d times, want %d", what, heard, n)
		}
		heard = 0
	}
	pass := func(d time.Duration) {
		if err := h.machine.Clock.Sleep(t.Context(), d); err != nil {
			t.Fatal(err)
		}
	}
	want("at first", 1)
	want("at once again", 1)
	pass(10 * time.Minute)
	want("later", 0)
	h.pulls[1].UpdatedAt = h.pulls[1].UpdatedAt.Add(time.Second)
	want("something was said", 1)
	pass(10 * time.Minute)
	answer, h.pulls[1].UpdatedAt = gitops.ErrUnderWay, h.pulls[1].UpdatedAt.Add(time.Second)
	want("it goes on", 1)
	pass(10 * time.Minute)
	answer = errors.New("it answers 500")
	want("it goes on still", 1)
	pass(10 * time.Minute)
	want("it failed", 1)
	answer = nil
	pass(10 * time.Minute)
	want("it failed again", 1)
	pass(10 * time.Minute)
	want("all is said", 0)
	if n := strings.Count(h.log.String(), "it answers 500"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &h.log)
	}
	h.pulls[1].State = port.PullMerged
	h.at.Await(h.at.Desks[0], 1)
	want("merged", 1)
	want("awaited", 1)
	want("awaited still", 1)
	h.at.Await(h.at.Desks[0], 0)
	want("nobody waits", 0)
}

// TestPullCannotBePlanned: what cannot be read is told once, in the status; the plan of
// before stays known, and the next one takes its place.
func TestPullCannotBePlanned(t *testing.T) {
	h := newHall(t)
	h.look()
	first := h.record(1)
	d := h.at.Desks[0]
	open := d.Engine
	d.Engine = func(context.Context, gitops.Tree, gitops.Compiled) (*engine.Engine, func(), error) {
		return nil, func() {}, errors.New("MongoDB cannot be reached\x1b[31m")
	}
	for range 3 {
		if err := h.at.Replan(t.Context(), d, 1); err != nil {
			t.Fatal(err)
		}
		h.look()
	}
	rec := h.record(1)
	if got := h.shown(h.head); !slices.Equal(got, []string{"pending", "success", "error"}) || rec.Effect != first.Effect || rec.Told || strings.Contains(rec.Why, "\x1b") {
		t.Errorf("%q, %+v", got, rec)
	}
	if n := strings.Count(h.log.String(), "MongoDB cannot be reached"); n != 1 {
		t.Errorf("said %d times:\n%s", n, &h.log)
	}
	d.Engine = open
	h.look() // it is not due yet
	if h.record(1).Told {
		t.Error("it is tried again at once")
	}
	if err := h.machine.Clock.Sleep(t.Context(), 2*time.Minute); err != nil {
		t.Fatal(err)
	}
	h.look()
	if got := h.shown(h.head); !slices.Equal(got, []string{"pending", "success", "error", "success"}) || !h.record(1).Told || h.record(1).Why != "" {
		t.Errorf("%q, %+v", got, h.record(1))
	}
}

// TestPullListedLate: a forge that lists a head and answers another one is asked again.
func TestPullListedLate(t *testing.T) {
	h := newHall(t)
	other := *h.pulls[1]
	other.HeadCommit = strings.Repeat("a", 40)
	h.at.Forge = late{h.board, other}
	h.look()
	if len(h.said(1)) > 0 || h.record(1).Told || h.log.Len() > 0 {
		t.Errorf("%q, %+v\n%s", h.said(1), h.record(1), &h.log)
	}
	h.at.Forge = h.board
	if err := h.machine.Clock.Sleep(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	h.look()
	if len(h.said(1)) != 1 || !h.record(1).Told {
		t.Errorf("%q, %+v", h.said(1), h.record(1))
	}
}

// late is a forge that reads a pull request otherwise than it lists it.
type late struct {
	port.Forge
	pull port.Pull
}

func (l late) Pull(context.Context, string, int) (port.Pull, error) { return l.pull, nil }
