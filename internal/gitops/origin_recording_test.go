package gitops_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"domctl.dev/internal/gitops"
)

// pushes puts a commit on top of the branch that adds a line to some files.
func (a asking) pushes(files ...string) (commit string) {
	a.t.Helper()
	a.git("checkout", "-q", "-f", "--detach", "main")
	for _, name := range files {
		at := filepath.Join(a.repo, name)
		text, err := os.ReadFile(at)
		if err == nil || errors.Is(err, fs.ErrNotExist) {
			err = os.WriteFile(at, append(text, "// more\n"...), 0o600)
		}
		if err != nil {
			a.t.Fatal(err)
		}
	}
	a.git("add", "-A")
	a.git("commit", "-q", "-m", "x")
	commit = a.git("rev-parse", "HEAD")
	a.git("update-ref", "refs/heads/main", commit)
	return commit
}

// TestARecordingOnTop of what waits for approval is nobody's: it waits where it did, for
// as many. What else is pushed is somebody's.
func TestARecordingOnTop(t *testing.T) {
	for _, c := range []struct {
		name, file string
		pushed     []string
		same       bool
	}{
		{"a recording", worldFile, []string{worldFile}, true},
		{"another file beside it", worldFile, []string{worldFile, "README.md"}, false},
		{"another file", worldFile, []string{"README.md"}, false},
		{"no recording is stated", "", []string{worldFile}, false},
		{"one that the deployment reads", "prod/compute.cue", []string{"prod/compute.cue"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a, first, second := newAsking(t, anyRule)
			a.file = c.file
			effect := a.planned(7, second)
			a.merges(7, second)
			a.looks()
			third := a.pushes(c.pushed...)
			got := a.looks()
			if got.Head.Stage != gitops.Asked || got.Head.Commit != third || (got.Head.Pull == 7) != c.same {
				t.Fatalf("%+v", got.Head)
			}
			if c.same && got.Head.Why != `DC535: waits in pull request 7 for 1 approval of rule "all"` {
				t.Errorf("%q", got.Head.Why)
			}
			a.town.say(7, "bob", "domctl apply "+effect)
			got = a.looks()
			if done := got.Head.Stage == gitops.Done; done != c.same {
				t.Errorf("%+v, %q", got.Head, a.town.answered(7))
			}
			if want := map[bool][]string{true: {first, third}, false: {first}}[c.same]; !slices.Equal(a.applied(), want) {
				t.Errorf("applied %q", a.applied())
			}
		})
	}
}
