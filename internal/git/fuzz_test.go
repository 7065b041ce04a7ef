package git

import (
	"strings"
	"testing"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// FuzzCommit: whatever somebody names, it is a commit or an error.
func FuzzCommit(f *testing.F) {
	for _, ref := range []string{"main", "HEAD~1^2", "@{-1}", "main@{1}", ":/x", "main^{/a}", "HEAD:a", "origin/main", "v1^{}", "^main", "..", "main..topic", "\x00", "a\nb"} {
		f.Add(ref)
	}
	dir := f.TempDir()
	plain, err := git.PlainInit(dir, false)
	if err != nil {
		f.Fatal(err)
	}
	work, err := plain.Worktree()
	if err != nil {
		f.Fatal(err)
	}
	if _, err := work.Commit("a", &git.CommitOptions{AllowEmptyCommits: true, Author: &object.Signature{Name: "a", Email: "a@example.com"}}); err != nil {
		f.Fatal(err)
	}
	r, err := Open(dir)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		if got, err := r.Commit(ref); err == nil && len(got) != 40 || err != nil && got != "" || err != nil && !strings.Contains(err.Error(), "names no commit") {
			t.Errorf("%q: %q %v", ref, got, err)
		}
	})
}
