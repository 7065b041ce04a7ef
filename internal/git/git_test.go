package git

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing/object"
)

func TestHead(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "prod")
	write(t, filepath.Join(dir, "a.cue"), "package domino\n")
	write(t, filepath.Join(root, "shared.cue"), "package domino\n")
	files := []string{"a.cue", "../shared.cue"}

	expect(t, dir, files, "", false)
	repo, err := git.PlainInit(root, false)
	if err != nil {
		t.Fatal(err)
	}
	expect(t, dir, files, "", true)
	commit := commitAll(t, repo)
	expect(t, dir, files, commit, false)
	write(t, filepath.Join(root, "unrelated.txt"), "x")
	expect(t, dir, files, commit, false)
	write(t, filepath.Join(root, "shared.cue"), "package domino\n// changed\n")
	expect(t, dir, files, commit, true)
	write(t, filepath.Join(root, "shared.cue"), "package domino\n")
	write(t, filepath.Join(dir, "b.cue"), "package domino\n")
	expect(t, dir, append(files, "b.cue"), commit, true)
}

func expect(t *testing.T, dir string, files []string, commit string, dirty bool) {
	t.Helper()
	gotCommit, gotDirty, err := Head(dir, files)
	if err != nil || gotCommit != commit || gotDirty != dirty {
		t.Fatalf("commit %q dirty %v err %v, want %q %v", gotCommit, gotDirty, err, commit, dirty)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func commitAll(t *testing.T, repo *git.Repository) string {
	t.Helper()
	w, err := repo.Worktree()
	if err != nil {
		t.Fatal(err)
	}
	if err := w.AddWithOptions(&git.AddOptions{All: true}); err != nil {
		t.Fatal(err)
	}
	hash, err := w.Commit("all", &git.CommitOptions{Author: &object.Signature{Name: "a", Email: "a@example.com", When: time.Unix(0, 0)}})
	if err != nil {
		t.Fatal(err)
	}
	return hash.String()
}
