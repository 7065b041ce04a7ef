package gitops_test

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
)

// TestOneFetchForAll: of those who ask at once, each gets what stood there after it
// asked, and few fetches are made for them.
func TestOneFetchForAll(t *testing.T) {
	r := newRig(t)
	want := r.commit("modern-before")
	var fetches atomic.Int64
	c := &gitops.Clone{Dir: filepath.Join(t.TempDir(), "r"), Remote: func() (git.Remote, error) {
		fetches.Add(1)
		return git.Remote{URL: "file://" + r.repo}, nil
	}}
	for range 3 {
		fetches.Store(0)
		var all sync.WaitGroup
		for range 30 {
			all.Go(func() {
				if got, err := c.Head(t.Context(), "main"); err != nil || got != want {
					t.Errorf("%s, %v; want %s", got, err, want)
				}
			})
		}
		all.Wait()
		if n := fetches.Load(); n > 25 {
			t.Errorf("%d fetches for 30 who asked", n)
		}
		want = r.commit("modern-before") // whoever asks from here on sees it
	}
	c.Remote = func() (git.Remote, error) { return git.Remote{}, errors.New("no password") }
	if _, err := c.Head(t.Context(), "main"); err == nil {
		t.Error("an old answer is given for a fetch that failed")
	}
}

// TestAHungRepositoryHangsOnce: who waits for a fetch that fails is answered by it, and
// nobody waits longer than they may.
func TestAHungRepositoryHangsOnce(t *testing.T) {
	var asked atomic.Int32
	hang, failed := make(chan struct{}), errors.New("it hangs")
	c := &gitops.Clone{Dir: t.TempDir(), Remote: func() (git.Remote, error) { asked.Add(1); <-hang; return git.Remote{}, failed }}
	answers := make(chan error)
	ask := func(ctx context.Context) {
		_, err := c.Head(ctx, "main")
		answers <- err
	}
	go ask(t.Context())
	for asked.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	for range 5 { // of whom one asks again, and the others wait for that
		go ask(t.Context())
	}
	short, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, _, err := c.Of("prod").Tree(short, strings.Repeat("a", 40)); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	close(hang)
	for range 6 {
		if err := <-answers; !errors.Is(err, failed) {
			t.Error(err)
		}
	}
	if n := asked.Load(); n > 2 {
		t.Errorf("%d fetches", n)
	}
}
