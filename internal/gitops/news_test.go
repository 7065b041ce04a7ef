package gitops_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/port"
	"domctl.dev/internal/state"
)

// room hears what is told, and fails as it is told to.
type room struct {
	mu    sync.Mutex
	heard []string
	fails []error // of the next notices
	hang  chan struct{}
}

func (r *room) Notify(ctx context.Context, n port.Notice) error {
	if r.hang != nil {
		select {
		case <-r.hang:
		case <-ctx.Done():
			return port.ErrLost
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.fails) > 0 {
		err := r.fails[0]
		if r.fails = r.fails[1:]; err != nil {
			return err
		}
	}
	r.heard = append(r.heard, n.What)
	return nil
}

func (r *room) all() []string { r.mu.Lock(); defer r.mu.Unlock(); return slices.Clone(r.heard) }

// put replaces a record.
func put(t *testing.T, s applier.Store, key, body string) {
	t.Helper()
	_ = s.Delete(t.Context(), key)
	if _, err := s.PutIfNone(t.Context(), key, []byte(body)); err != nil {
		t.Fatal(err)
	}
}

// TestNews: each event is told once, by however many controllers, however often they
// start; what did not arrive is told later, what may have is not.
func TestNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, people, quiet := state.Memory(), &room{}, &room{}
		put(t, store, "gitops/head", `{"commit":"c1","stage":"done","plan":"p1","why":"applied","told":true}`)
		desk := func() *gitops.Desk {
			d := stillDesk("prod", &still{err: git.ErrNoBranch})
			d.Records = func(context.Context) (applier.Store, error) { return store, nil }
			d.Audiences = []gitops.Audience{{Name: "all", To: people}, {Name: "few", Events: []string{"failed"}, To: quiet}}
			return d
		}
		ctx, cancel := context.WithCancel(t.Context())
		var all sync.WaitGroup
		for range 2 { // replicas
			c := &gitops.Controller{Desks: []*gitops.Desk{desk()}, Poll: time.Minute, Grace: time.Second, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
			all.Go(func() { _ = c.Run(ctx) })
		}
		look := func() { time.Sleep(3 * time.Minute); synctest.Wait() }
		want := func(heard ...string) {
			t.Helper()
			look()
			if got := people.all(); !slices.Equal(got, heard) {
				t.Fatalf("told %q, want %q", got, heard)
			}
		}
		// A branch that is gone is an error of each Turn, which keeps no news.
		want("applied")
		people.fails = []error{errors.New("connection refused"), errors.New("connection refused")}
		put(t, store, "gitops/head", `{"commit":"c2","stage":"applying","plan":"p2","why":"failed: x 1","told":true,"next":"2100-01-01T00:00:00Z"}`)
		want("applied", "failed")
		put(t, store, "gitops/head", `{"commit":"c2","stage":"applying","plan":"p2","why":"failed: x 2","told":true,"next":"2100-01-01T00:00:00Z"}`)
		want("applied", "failed")
		people.fails = []error{port.ErrLost}
		put(t, store, "gitops/head", `{"commit":"c2","stage":"applying","plan":"p2","why":"paused: waiting with 1 step left: x","told":true,"next":"2100-01-01T00:00:00Z"}`)
		want("applied", "failed")
		put(t, store, "gitops/head", `{"commit":"c2","stage":"applying","plan":"p2","why":"paused: interrupted with 1 step left","told":true,"next":"2100-01-01T00:00:00Z"}`)
		put(t, store, "freeze", `{"until":"2099-01-01T00:00:00Z","why":"an audit","who":"ada"}`)
		want("applied", "failed", "frozen")
		put(t, store, "gitops/head", `{"commit":"c3","stage":"done","why":"nothing to do","told":true}`)
		want("applied", "failed", "frozen")
		put(t, store, "gitops/head", `{"commit":"c4","stage":"refused","why":"DC101: x","told":true,"next":"2100-01-01T00:00:00Z"}`)
		want("applied", "failed", "frozen", "refused")
		if got := quiet.all(); !slices.Equal(got, []string{"failed"}) {
			t.Errorf("the other channel was told %q", got)
		}
		cancel()
		all.Wait()
	})
}

// TestNewsHoldsNothingUp: Turns go on while a channel hangs, and the end is not late.
func TestNewsHoldsNothingUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, people := &still{err: git.ErrNoBranch}, &room{hang: make(chan struct{})}
		d := stillDesk("prod", s)
		d.Audiences = []gitops.Audience{{Name: "all", To: people}}
		store, _ := d.Records(t.Context())
		put(t, store, "gitops/head", `{"commit":"c1","stage":"done","plan":"p1","why":"applied","told":true}`)
		c := &gitops.Controller{Desks: []*gitops.Desk{d}, Poll: time.Minute, Grace: time.Second, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		time.Sleep(10*time.Minute + time.Second)
		synctest.Wait()
		if s.count() < 10 {
			t.Errorf("it looked %d times in ten minutes", s.count())
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

// TestNewsOfWhoKnowsLess: a controller whose Turn saw what another one went on from
// meanwhile tells nothing of it.
func TestNewsOfWhoKnowsLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store, people, slow := state.Memory(), &room{}, &still{hang: make(chan struct{})}
		put(t, store, "gitops/head", `{"commit":"c1","stage":"refused","why":"DC101: x","told":true}`)
		put(t, store, "gitops/news", `{"channels":{"all":{"head":"c1 refused "}},"nonce":"x"}`)
		d := stillDesk("prod", slow)
		d.Records = func(context.Context) (applier.Store, error) { return store, nil }
		d.Audiences = []gitops.Audience{{Name: "all", To: people}}
		c := &gitops.Controller{Desks: []*gitops.Desk{d}, Poll: time.Hour, Grace: time.Second, Log: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- c.Run(ctx) }()
		synctest.Wait() // it read c1, and asks where the branch stands
		put(t, store, "gitops/head", `{"commit":"c2","stage":"done","plan":"p2","why":"applied","told":true}`)
		put(t, store, "gitops/news", `{"channels":{"all":{"head":"c2 done p2"}},"nonce":"y"}`)
		close(slow.hang)
		time.Sleep(time.Minute)
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if got := people.all(); len(got) != 0 {
			t.Errorf("told %q", got)
		}
	})
}
