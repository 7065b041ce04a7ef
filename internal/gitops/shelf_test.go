package gitops_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops"
)

// TestATreeIsWrittenOnce for all who read it, stays as long as one does, and is gone
// after that unless it is the last.
func TestATreeIsWrittenOnce(t *testing.T) {
	r := newRig(t)
	first, second := r.commit("modern-before"), r.commit("modern")
	room := t.TempDir()
	now := time.Unix(1800000000, 0)
	c := &gitops.Clone{Now: func() time.Time { return now }, Dir: filepath.Join(t.TempDir(), "r"), Room: room, Remote: func() (git.Remote, error) { return git.Remote{URL: "file://" + r.repo}, nil }}
	if _, err := c.Head(t.Context(), "main"); err != nil {
		t.Fatal(err)
	}
	tree := func(commit string) (string, func()) {
		t.Helper()
		at, back, err := c.Of("prod").Tree(t.Context(), commit)
		if _, none := os.Stat(filepath.Join(at.Dir, "prod", "compute.cue")); err != nil || none != nil || at.Commit != commit {
			t.Fatalf("%+v: %v, %v", at, err, none)
		}
		return at.Dir, back
	}
	there := func(want ...string) {
		t.Helper()
		found, err := os.ReadDir(room)
		if err != nil || len(found) != len(want) {
			t.Fatalf("%s: %v", found, err)
		}
		for _, dir := range want {
			if _, err := os.Stat(filepath.Join(dir, "prod")); err != nil {
				t.Error(err)
			}
		}
	}
	one, back := tree(first)
	again, backToo := tree(first)
	if one != again {
		t.Errorf("%s and %s hold the same", one, again)
	}
	two, backTwo := tree(second)
	there(one, two)
	back()
	back() // counts once
	there(one, two)
	backToo()
	there(two)
	backTwo()
	there(two)

	// One that has stood for long is written anew, and stays for those who read it.
	now = now.Add(11 * time.Minute)
	three, backThree := tree(second)
	there(three)
	now = now.Add(11 * time.Minute)
	four, backFour := tree(second)
	there(three, four)
	backFour()
	there(three, four)
	backThree()
	there(four)
	if _, _, err := c.Of("prod").Tree(t.Context(), "0123456789012345678901234567890123456789"); err == nil {
		t.Error("a commit that is nowhere has a tree")
	}
	there(four)
}
