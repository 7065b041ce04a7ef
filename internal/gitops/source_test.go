package gitops_test

import (
	"errors"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

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
