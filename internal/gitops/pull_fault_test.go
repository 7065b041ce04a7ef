package gitops_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
)

// TestPullForgeFaults: whatever call fails, nothing is lost and nothing is said twice;
// what is the matter is answered, and a forge that asks for it is left alone.
func TestPullForgeFaults(t *testing.T) {
	h := newHall(t)
	h.failsAtEach(func() {}, h.restart)
	if rec := h.record(1); len(h.said(1)) != 1 || !rec.Told {
		t.Errorf("%q, %+v", h.said(1), rec)
	}
	for _, c := range []struct {
		err  error
		next time.Duration
	}{{fmt.Errorf("gitea: %w", &port.Throttle{After: 7 * time.Minute}), 7 * time.Minute}, {fmt.Errorf("gitea: %w", port.ErrDenied), 0}, {fmt.Errorf("gitea: %w", port.ErrNotFound), 0}} {
		h.fault = func(string) error { return c.err }
		next, err := h.at.Look(t.Context())
		if !errors.Is(err, c.err) || next != c.next {
			t.Errorf("%v, %s", err, next)
		}
	}
	h.fault = nil
	h.look()
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
		if s, sums := one.shown(one.head), one.sums(one.head); s[len(s)-1] != "success" || len(sums) < 1 || len(sums) > 2 || sums[0] != "success planned: sim-modern" {
			t.Fatalf("killed after %d (%s): %q, %q", k, sides[k], s, sums)
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
	h.look()
	// Who awaits it listens, and who ends its records does too, unless the first still does.
	if heard < 1 || heard > 2 {
		t.Errorf("merged: heard %d times", heard)
	}
	heard = 0
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

// failsAtEach looks once for each call of the forge, which fails, and never says a thing
// twice.
func (h *hall) failsAtEach(begin, restart func()) {
	h.t.Helper()
	for n := 0; ; n++ {
		left := n
		h.fault = func(string) error {
			if left--; left == -1 {
				return errors.New("it answers 500")
			}
			return nil
		}
		begin()
		_, _ = h.at.Look(h.t.Context())
		h.at.Wait()
		if left >= 0 {
			return // all calls were made
		}
		if len(h.said(1)) > 1 {
			h.t.Fatalf("call %d: %q", n, h.said(1))
		}
		if err := h.machine.Clock.Sleep(h.t.Context(), 2*time.Hour); err != nil {
			h.t.Fatal(err)
		}
		restart()
	}
}
