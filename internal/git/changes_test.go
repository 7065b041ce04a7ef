package git

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"context"

	"pgregory.net/rapid"
)

// TestChanges follows lines through versions of a file.
func TestChanges(t *testing.T) {
	r := newRepo(t)
	write := func(lines ...string) { r.commit(map[string]string{"prod/a.cue": strings.Join(lines, "\n") + "\n"}) }
	r.commit(map[string]string{"other": "1"})
	write("one", "two 1", "three")
	write("one", "two 2", "three")
	r.commit(map[string]string{"other": "2"})
	write("zero", "one", "two 3", "three")
	write("zero", "one", "two 4", "three", "four")
	write("zero", "one", "two 5", "three", "four")
	now := []byte("zero\none\ntwo 6\nthree\nfour\n")
	lines, commits, err := r.open().Changes(t.Context(), "prod/a.cue", now)
	if err != nil || commits != 5 || !slices.Equal(lines, []int{0, 0, 5, 0, 0, 0}) {
		t.Errorf("%v of %d, %v", lines, commits, err)
	}
	for _, name := range []string{"prod/none.cue", "prod"} {
		if lines, commits, err := r.open().Changes(t.Context(), name, now); err != nil || commits != 0 || slices.Max(lines) != 0 {
			t.Errorf("%s: %v of %d, %v", name, lines, commits, err)
		}
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, commits, err := r.open().Changes(over, "prod/a.cue", now); err != nil || commits != 0 {
		t.Errorf("%d, %v", commits, err)
	}
	none := newRepo(t)
	if _, commits, err := none.open().Changes(t.Context(), "prod/a.cue", now); err != nil || commits != 0 {
		t.Errorf("%d, %v", commits, err)
	}
}

// TestChangesOfAShallowClone end where it does.
func TestChangesOfAShallowClone(t *testing.T) {
	r := newRepo(t)
	for i := range 5 {
		r.commit(map[string]string{"a": fmt.Sprint(i, "\n")})
	}
	shallow := repo{t, t.TempDir() + "/shallow", r.at}
	r.git("clone", "-q", "--depth", "2", "file://"+r.dir, shallow.dir)
	lines, commits, err := shallow.open().Changes(t.Context(), "a", []byte("4\n"))
	if err != nil || commits != 1 || lines[0] != 1 {
		t.Errorf("%v of %d, %v", lines, commits, err)
	}
}

// TestDescent: every line has one place at most, and one that is the same on both sides
// where it comes from is no change.
func TestDescent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "-d", "+e", "@@ f", ""}), 0, 12).Draw(t, "lines"), "\n") + rapid.SampledFrom([]string{"", "\n"}).Draw(t, "end")
		})
		earlier, later := text.Draw(t, "earlier"), text.Draw(t, "later")
		from, changed := descent([]byte(earlier), []byte(later))
		old, now, taken := strings.Split(earlier, "\n"), strings.Split(later, "\n"), map[int]bool{}
		for at, was := range from {
			if at < 0 || was < 0 || taken[was] {
				t.Fatalf("%d comes from %d", at, was)
			}
			taken[was] = true
			if at < len(now) && was < len(old) && !changed[at] && now[at] != old[was] {
				t.Fatalf("line %d %q is line %d %q: %v", at, now[at], was, old[was], from)
			}
		}
	})
}
