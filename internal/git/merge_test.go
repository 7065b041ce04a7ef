package git

import (
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestMerge: what git itself would make of two commits, file by file, and nothing is
// written to the repository.
func TestMerge(t *testing.T) {
	for seed := range int64(25) {
		r, rnd := newRepo(t), rand.New(rand.NewSource(seed))
		change := func() {
			for range 1 + rnd.Intn(4) {
				name := filepath.Join(r.dir, []string{"a", "b", "d", "d/e", "d/f", "d/g/h", "i/j"}[rnd.Intn(7)])
				_ = os.RemoveAll(name)
				if rnd.Intn(3) > 0 && os.MkdirAll(filepath.Dir(name), 0o700) == nil {
					_ = os.WriteFile(name, fmt.Append(nil, rnd.Intn(3), name, "\n"), 0o600)
				}
			}
		}
		change()
		base := r.commit(nil)
		r.git("checkout", "-q", "-b", "theirs")
		change()
		theirs := r.commit(nil)
		r.git("checkout", "-q", "main")
		change()
		ours := r.commit(map[string]string{"new": "x"})
		o := r.open()
		before := r.state()
		got, err := o.Merge(t.Context(), ours, theirs)
		if err != nil || got.Base != base && got.Base != theirs {
			t.Fatalf("seed %d: %+v, %v", seed, got, err)
		}
		want, clean := r.mergeTree(ours, theirs)
		if clean != (len(got.Conflicts) == 0) {
			t.Fatalf("seed %d: conflicts in %q; git says\n%s", seed, got.Conflicts, want)
		}
		if !clean && got.Commit != theirs {
			t.Fatalf("seed %d: %+v", seed, got)
		}
		if clean {
			tree, err := o.tree(got.Commit, ".")
			if err != nil || tree.Hash.String() != want {
				t.Fatalf("seed %d: %v is merged, %v; want %s", seed, tree, err, want)
			}
			dir := t.TempDir()
			if _, err := o.Write(t.Context(), got.Commit, ".", dir, Limits{}); err != nil {
				t.Fatal(err)
			}
			if names, err := o.Differ(t.Context(), ours, got.Commit); err != nil || got.Commit == ours && len(names) > 0 {
				t.Fatalf("%q, %v", names, err)
			}
		}
		if r.state() != before {
			t.Fatal("the repository was written to")
		}
	}
}

// mergeTree is git's own merge, of files that have one line and are never renamed: the
// tree, and whether it is clean.
func (r repo) mergeTree(ours, theirs string) (string, bool) {
	r.t.Helper()
	cmd := r.command("merge-tree", "--write-tree", "--name-only", "--no-messages", ours, theirs)
	cmd.Env = append(cmd.Env, "GIT_OBJECT_DIRECTORY="+r.t.TempDir(), "GIT_ALTERNATE_OBJECT_DIRECTORIES="+filepath.Join(r.dir, ".git", "objects"))
	out, err := cmd.Output()
	tree, _, _ := strings.Cut(string(out), "\n")
	return tree, err == nil
}

// TestMergeOf tells conflicts by name, and what needs no merge.
func TestMergeOf(t *testing.T) {
	r := newRepo(t)
	base := r.commit(map[string]string{"a": "1", "d/b": "1", "d/c": "1"})
	r.git("checkout", "-q", "-b", "theirs")
	theirs := r.commit(map[string]string{"a": "2", "d/b": "2", "d/c": "same"})
	r.git("checkout", "-q", "main")
	ours := r.commit(map[string]string{"a": "3", "d/b": "3", "d/c": "same"})
	o := r.open()
	got, err := o.Merge(t.Context(), ours, theirs)
	if err != nil || got.Base != base || got.Commit != theirs || !slices.Equal(got.Conflicts, []string{"a", "d/b"}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, c := range []struct{ ours, theirs, want string }{{base, theirs, theirs}, {ours, base, ours}, {ours, ours, ours}} {
		if got, err := o.Merge(t.Context(), c.ours, c.theirs); err != nil || got.Commit != c.want || len(got.Conflicts) > 0 {
			t.Errorf("%+v, %v", got, err)
		}
	}
	r.git("checkout", "-q", "--orphan", "other")
	if _, err := r.open().Merge(t.Context(), ours, r.commit(nil)); !errors.Is(err, ErrUnrelated) {
		t.Error(err)
	}
}
