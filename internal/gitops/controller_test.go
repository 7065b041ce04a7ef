package gitops_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/sim"
	"domctl.dev/internal/state"
)

// still is a source whose branches stand still, and whose looks are counted.
type still struct {
	gitops.Source // nobody asks for the rest of it
	mu            sync.Mutex
	looks         int
	hang          chan struct{}
	err           error
	panic         bool
}

func (s *still) Head(ctx context.Context, _ string) (string, error) {
	s.mu.Lock()
	s.looks++
	err, p := s.err, s.panic
	s.mu.Unlock()
	if p {
		panic("a bomb")
	}
	if s.hang != nil {
		select {
		case <-s.hang:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	return "", err
}

func (s *still) Tree(context.Context, string) (gitops.Tree, func(), error) {
	return gitops.Tree{}, func() {}, errors.New("no tree")
}

func (s *still) count() int { s.mu.Lock(); defer s.mu.Unlock(); return s.looks }

func stillDesk(name string, s *still) *gitops.Desk {
	store := state.Memory()
	return &gitops.Desk{Name: name, Bound: config.Deployment{Repository: "domino", Branch: "main"}, Source: s, Now: time.Now, Random: func() string { return "x" },
		Records: func(context.Context) (applier.Store, error) { return store, nil }}
}

// TestControllerLooks now and then, at once after a hint, and apart: a deployment that
// hangs, fails or panics holds up no other.
func TestControllerLooks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		calm, hung, broken, bomb := &still{err: git.ErrNoBranch}, &still{hang: make(chan struct{})}, &still{err: errors.New("connection refused")}, &still{panic: true}
		var log bytes.Buffer
		c := &gitops.Controller{Desks: []*gitops.Desk{stillDesk("calm", calm), stillDesk("hung", hung), stillDesk("broken", broken), stillDesk("bomb", bomb)},
			Poll: time.Minute, Grace: time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait()
		if calm.count() != 1 || c.Ready() {
			t.Errorf("looked %d times, ready %v", calm.count(), c.Ready())
		}
		for range 10 {
			c.Look("domino", "main")
			c.Look("domino", "other")
			c.Look("other", "main")
		}
		synctest.Wait()
		if n := calm.count(); n < 2 || n > 3 {
			t.Errorf("after ten hints at once it looked %d times", n)
		}
		before := calm.count()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if n := calm.count() - before; n != 10 || broken.count() < 10 || bomb.count() < 10 || hung.count() != 1 {
			t.Errorf("in ten minutes it looked %d times; broken %d, bomb %d, hung %d", n, broken.count(), bomb.count(), hung.count())
		}
		close(hung.hang)
		synctest.Wait()
		if !c.Ready() {
			t.Error("it is not ready after all were looked at")
		}
		cancel()
		if err := <-ended; err != nil || c.Ready() {
			t.Errorf("%v, ready %v", err, c.Ready())
		}
		for _, once := range []string{"deployment=broken", "deployment=calm", "deployment=bomb"} {
			if n := strings.Count(log.String(), once); n != 1 {
				t.Errorf("%q is said %d times:\n%s", once, n, log.String())
			}
		}
	})
}

// TestControllerEnds within its grace, whatever hangs.
func TestControllerEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := make(chan struct{})
		d := stillDesk("deaf", &still{})
		d.Records = func(context.Context) (applier.Store, error) { <-store; return nil, errors.New("late") }
		c := &gitops.Controller{Desks: []*gitops.Desk{d}, Poll: time.Minute, Grace: 20 * time.Second, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		at := time.Now()
		if err := c.Run(ctx); err == nil || time.Since(at) != 21*time.Second {
			t.Errorf("%v after %s", err, time.Since(at))
		}
		close(store)
	})
}

// TestFrozen: while a deployment is frozen nothing is begun, and a commit that comes shows
// why, once.
func TestFrozen(t *testing.T) {
	r := newRig(t)
	commit := r.commit("modern-before")
	until := r.machine.Clock.Now().Add(time.Hour)
	body := `{"until":"` + until.Format(time.RFC3339) + `","why":"an audit","who":"ada"}`
	if _, err := r.machine.Store.PutIfNone(t.Context(), "freeze", []byte(body)); err != nil {
		t.Fatal(err)
	}
	d := r.desk(sim.KillAfter(-1))
	for range 2 {
		if got, err := d.Turn(t.Context()); err != nil || !strings.HasSuffix(got.Frozen, "by ada: an audit") || got.Worked || len(r.machine.Effects) > 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	if told := *r.told; len(told) != 1 || !strings.HasPrefix(told[0], commit+" pending frozen until ") {
		t.Errorf("told %q", told)
	}
	if err := r.machine.Clock.Sleep(t.Context(), 2*time.Hour); err != nil {
		t.Fatal(err)
	}
	if got := r.turn(); got.Head.Commit != commit || got.Head.Stage != gitops.Done {
		t.Errorf("%+v", got)
	}
}

// TestFrozenKilled: wherever a controller dies while a deployment is frozen, the next one
// shows why the commit waits, and applies it after that.
func TestFrozenKilled(t *testing.T) {
	for k := 0; ; k++ {
		r := newRig(t)
		commit := r.commit("modern-before")
		body := `{"until":"` + r.machine.Clock.Now().Add(time.Hour).Format(time.RFC3339) + `","why":"an audit","who":"ada"}`
		if _, err := r.machine.Store.PutIfNone(t.Context(), "freeze", []byte(body)); err != nil {
			t.Fatal(err)
		}
		_, err := r.desk(sim.KillAfter(k)).Turn(t.Context())
		r.turn()
		if told := *r.told; len(told) < 1 || len(told) > 2 || !strings.HasPrefix(told[0], commit+" pending frozen until ") || len(r.machine.Effects) > 0 {
			t.Fatalf("killed after %d: told %q", k, told)
		}
		if serr := r.machine.Clock.Sleep(t.Context(), 2*time.Hour); serr != nil {
			t.Fatal(serr)
		}
		if got := r.turn(); got.Head.Commit != commit || got.Head.Stage != gitops.Done {
			t.Fatalf("killed after %d: %+v", k, got)
		}
		if err == nil {
			t.Logf("%d sides of calls", k)
			return
		}
	}
}
