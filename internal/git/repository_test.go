package git

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// repo is a folder in which the tests run git itself.
type repo struct {
	t   *testing.T
	dir string
	at  *int // seconds, of the next commit
}

func newRepo(t *testing.T) repo {
	t.Helper()
	r := repo{t, filepath.Join(t.TempDir(), "acme"), new(int)}
	r.git("init", "-q", "-b", "main", r.dir)
	return r
}

func (r repo) git(args ...string) string {
	r.t.Helper()
	out, err := r.command(args...).CombinedOutput()
	if err != nil {
		r.t.Fatalf("git %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

func (r repo) command(args ...string) *exec.Cmd {
	cmd := exec.Command("git", args...)
	if _, err := os.Stat(r.dir); err == nil {
		cmd.Dir = r.dir
	}
	*r.at++
	when := time.Unix(1700000000+int64(*r.at), 0).Format(time.RFC3339)
	cmd.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_AUTHOR_NAME=Ada", "GIT_AUTHOR_EMAIL=ada@example.com",
		"GIT_COMMITTER_NAME=Ada", "GIT_COMMITTER_EMAIL=ada@example.com", "GIT_AUTHOR_DATE="+when, "GIT_COMMITTER_DATE="+when)
	return cmd
}

// commit writes files and commits all there is.
func (r repo) commit(files map[string]string) string {
	r.t.Helper()
	for name, text := range files {
		write(r.t, filepath.Join(r.dir, name), text)
	}
	r.git("add", "-A")
	r.git("commit", "-q", "--allow-empty", "-m", "x")
	return r.git("rev-parse", "HEAD")
}

func (r repo) open() *Repository {
	r.t.Helper()
	o, err := Open(r.dir)
	if err != nil {
		r.t.Fatal(err)
	}
	return o
}

// TestRefs: whatever git takes for a commit is one, from any form of a repository.
func TestRefs(t *testing.T) {
	r := newRepo(t)
	first := r.commit(map[string]string{"prod/a.cue": "1"})
	r.git("tag", "-a", "v1", "-m", "one")
	r.git("tag", "light")
	r.git("update-ref", "refs/remotes/origin/main", first)
	second := r.commit(map[string]string{"prod/a.cue": "2"})
	r.git("branch", "topic/a")
	r.git("pack-refs", "--all")
	linked, bare := filepath.Join(t.TempDir(), "linked"), filepath.Join(t.TempDir(), "acme.git")
	r.git("worktree", "add", "-q", linked, "topic/a")
	r.git("clone", "-q", "--mirror", r.dir, bare)
	for _, dir := range []string{r.dir, filepath.Join(r.dir, "prod"), filepath.Join(r.dir, "not", "there"), linked, filepath.Join(linked, "prod"), bare, filepath.Join(bare, "prod")} {
		o, err := Open(dir)
		if err != nil {
			t.Fatal(err)
		}
		for ref, want := range map[string]string{"main": second, "v1": first, "light": first, "topic/a": second, "HEAD~1": first, "origin/main": first, first: first, second[:10]: second} {
			if got, err := o.Commit(ref); got != want || err != nil {
				t.Errorf("%s: %s is %s, %v, want %s", dir, ref, got, err, want)
			}
		}
	}
	for ref, hint := range map[string]string{"nowhere": "fetch it first", "": "names no commit", "-x": "names no commit", strings.Repeat("0", 40): "names no commit", "HEAD~9": "names no commit", "main:prod": "write a branch", "main@{1}": "write a branch", "main..topic": "names no commit"} {
		if got, err := r.open().Commit(ref); err == nil || !strings.Contains(err.Error(), hint) {
			t.Errorf("%q: %q, %v", ref, got, err)
		}
	}
	r.git("update-ref", "refs/remotes/origin/release", first)
	if _, err := r.open().Commit("release"); err == nil || !strings.Contains(err.Error(), "did you mean origin/release?") {
		t.Error(err)
	}
	if _, err := Open(t.TempDir()); !errors.Is(err, ErrNone) {
		t.Error(err)
	}
}

func TestWithin(t *testing.T) {
	r := newRepo(t)
	r.commit(map[string]string{"a/prod/a.cue": "1"})
	o := r.open()
	link := filepath.Join(t.TempDir(), "x")
	if err := os.Symlink(r.dir, link); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{".": ".", "a/prod": "a/prod", "gone/prod": "gone/prod"} {
		if got, err := o.Within(filepath.Join(link, dir)); got != want || err != nil {
			t.Errorf("%s: %s %v", dir, got, err)
		}
	}
	if got, err := o.Within(t.TempDir()); err == nil {
		t.Errorf("%s is within", got)
	}
}

// TestMergeBase compares with what git itself says.
func TestMergeBase(t *testing.T) {
	r := newRepo(t)
	r.commit(nil)
	r.git("checkout", "-q", "-b", "topic")
	r.commit(map[string]string{"t": "1"})
	r.git("checkout", "-q", "main")
	r.commit(map[string]string{"m": "1"})
	r.git("branch", "old")
	same := func(one, two string) {
		t.Helper()
		o := r.open()
		a, b := r.git("rev-parse", one), r.git("rev-parse", two)
		got, err := o.MergeBase(t.Context(), a, b)
		if all := strings.Fields(r.git("merge-base", "--all", a, b)); err != nil || !slices.Contains(all, got) {
			t.Errorf("%s %s: %s %v, git says %v", one, two, got, err, all)
		}
		if back, err := o.MergeBase(t.Context(), b, a); back != got || err != nil {
			t.Errorf("%s %s: %s, the other way round %s, %v", one, two, got, back, err)
		}
	}
	same("main", "topic")
	same("main", "main")
	same("main", "main~1")
	// Merged one way, then crosswise: two best ones.
	r.git("checkout", "-q", "topic")
	r.git("merge", "-q", "--no-edit", "main")
	same("main", "topic")
	r.commit(map[string]string{"t": "2"})
	r.git("checkout", "-q", "main")
	r.git("merge", "-q", "--no-ff", "--no-edit", "topic~2")
	r.commit(map[string]string{"m": "2"})
	same("main", "topic")
	if n := len(strings.Fields(r.git("merge-base", "--all", "main", "topic"))); n != 2 {
		t.Errorf("%d best ones, want 2", n)
	}
	r.git("checkout", "-q", "--orphan", "alone")
	alone := r.commit(map[string]string{"o": "1"})
	if _, err := r.open().MergeBase(t.Context(), alone, r.git("rev-parse", "main")); !errors.Is(err, ErrUnrelated) {
		t.Error(err)
	}
}

// TestRandomHistories: as git says, of histories whose dates may go backwards.
func TestRandomHistories(t *testing.T) {
	for seed := range 6 {
		r := newRepo(t)
		var stream strings.Builder
		marks, state := 60, uint32(seed+1)
		random := func(n int) int { state = state*1664525 + 1013904223; return int(state>>8) % n }
		for i := 1; i <= marks; i++ {
			fmt.Fprintf(&stream, "commit refs/heads/b%d\nmark :%d\ncommitter A <a@example.com> %d +0000\ndata 0\n", i, i, 1700000000+random(50)*seed+i)
			if i > 1 {
				from := max(1, i-1-random(6))
				fmt.Fprintf(&stream, "from :%d\n", from)
				if second := max(1, i-1-random(9)); second != from && random(2) == 0 {
					fmt.Fprintf(&stream, "merge :%d\n", second)
				}
			}
			stream.WriteByte('\n')
		}
		cmd := exec.Command("git", "fast-import", "--quiet")
		cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(stream.String())
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		o := r.open()
		for range 25 {
			a, b := fmt.Sprintf("b%d", 1+random(marks)), fmt.Sprintf("b%d", 1+random(marks))
			one, two := r.git("rev-parse", a), r.git("rev-parse", b)
			got, err := o.MergeBase(t.Context(), one, two)
			if all := strings.Fields(r.git("merge-base", "--all", one, two)); err != nil || !slices.Contains(all, got) {
				t.Errorf("seed %d, %s %s: %s %v, git says %v", seed, a, b, got, err, all)
			}
		}
	}
}

// TestShallow: what is cut off is an error that says what to do, never another base.
func TestShallow(t *testing.T) {
	r := newRepo(t)
	for range 3 {
		r.commit(nil)
	}
	r.git("checkout", "-q", "-b", "topic")
	base := r.git("rev-parse", "HEAD")
	r.commit(map[string]string{"t": "1"})
	r.git("checkout", "-q", "main")
	r.commit(map[string]string{"m": "1"})
	clone := func(depth string) *Repository {
		to := filepath.Join(t.TempDir(), "clone")
		r.git("clone", "-q", "--no-single-branch", "--depth", depth, "file://"+r.dir, to)
		return repo{t, to, r.at}.open()
	}
	commits := func(o *Repository) (one, two string) {
		one, err := o.Commit("origin/main")
		if err != nil {
			t.Fatal(err)
		}
		if two, err = o.Commit("origin/topic"); err != nil {
			t.Fatal(err)
		}
		return one, two
	}
	o := clone("1")
	one, two := commits(o)
	if got, err := o.MergeBase(t.Context(), one, two); err == nil || !strings.Contains(err.Error(), "fetch-depth: 0") {
		t.Errorf("%s %v", got, err)
	}
	o = clone("2")
	one, two = commits(o)
	if got, err := o.MergeBase(t.Context(), one, two); err != nil || got != base {
		t.Errorf("%s %v, want %s", got, err, base)
	}
}

func TestHolding(t *testing.T) {
	r := newRepo(t)
	commit := r.commit(map[string]string{"a/cue.mod/m": "1", "a/prod/x": "1", "a/in/cue.mod/m": "1", "b/c/cue.mod/m": "1", "b/cue.mod": "a file", "d/x": "1"})
	for under, want := range map[string][]string{".": {"a", "b/c"}, "a/prod": {"a"}, "a/in": {"a/in"}, "d": nil, "gone": nil, "b/c/gone": {"b/c"}} {
		got, err := r.open().Holding(t.Context(), commit, under, "cue.mod")
		if !slices.Equal(got, want) || err != nil {
			t.Errorf("%s: %q %v, want %q", under, got, err, want)
		}
	}
	for dir, want := range map[string]bool{".": true, "a/prod": true, "a/prod/x": false, "gone": false} {
		if got, err := r.open().Has(commit, dir); got != want || err != nil {
			t.Errorf("%s: %v %v", dir, got, err)
		}
	}
}

// TestParts: a clone that lacks objects says which way it does.
func TestParts(t *testing.T) {
	r := newRepo(t)
	commit := r.commit(map[string]string{"a": "1"})
	r.git("config", "uploadpack.allowFilter", "true")
	shared, filtered := filepath.Join(t.TempDir(), "shared"), filepath.Join(t.TempDir(), "filtered")
	r.git("clone", "-q", "--shared", r.dir, shared)
	r.git("clone", "-q", "--no-checkout", "--filter=blob:none", "file://"+r.dir, filtered)
	s := repo{t, shared, r.at}
	if _, err := s.open().Commit("main"); err == nil || !strings.Contains(err.Error(), "git repack -ad") {
		t.Error(err)
	}
	s.git("repack", "-adq")
	if got, err := s.open().Commit("main"); got != commit || err != nil {
		t.Error(got, err)
	}
	f := repo{t, filtered, r.at}
	if _, _, err := f.write(commit, ".", Limits{}); err == nil || !strings.Contains(err.Error(), "without a filter") {
		t.Error(err)
	}
}

func TestFile(t *testing.T) {
	r := newRepo(t)
	commit := r.commit(map[string]string{"a/b.json": "hello", "c": "x"})
	if err := os.Symlink("c", filepath.Join(r.dir, "link")); err != nil {
		t.Fatal(err)
	}
	linked := r.commit(nil)
	o := r.open()
	if body, err := o.File(commit, "a/b.json", 5); err != nil || string(body) != "hello" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := o.File(commit, "a/b.json", 4); err == nil || !strings.Contains(err.Error(), "5 bytes, more than 4") {
		t.Errorf("a large file: %v", err)
	}
	for _, name := range []string{"a", "a/c", "../c", ""} {
		if _, err := o.File(commit, name, 5); !errors.Is(err, ErrNotFound) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if _, err := o.File(linked, "link", 5); !errors.Is(err, ErrNotFound) {
		t.Errorf("a link: %v", err)
	}
	if _, err := o.File(strings.Repeat("1", 40), "c", 5); !errors.Is(err, ErrGone) {
		t.Errorf("another commit: %v", err)
	}
}

// TestLine is what git says of a branch's own line.
func TestLine(t *testing.T) {
	r := newRepo(t)
	r.commit(nil)
	r.git("checkout", "-q", "-b", "topic")
	r.commit(map[string]string{"t": "1"})
	r.git("checkout", "-q", "main")
	r.commit(map[string]string{"m": "1"})
	r.git("merge", "-q", "--no-edit", "topic")
	r.commit(map[string]string{"m": "2"})
	root, topic, head := r.git("rev-list", "--max-parents=0", "main"), r.git("rev-parse", "topic"), r.git("rev-parse", "main")
	own := strings.Fields(r.git("rev-list", "--first-parent", root+"..main"))
	for _, c := range []struct {
		from, to string
		most     int
		want     []string
		whole    bool
	}{
		{root, head, 10, own, true},
		{root, head, len(own), own, true},
		{root, head, 2, own[:2], false},
		{own[0], head, 10, nil, true},
		{topic, head, 10, append(slices.Clone(own), root), false}, // it was merged, and never was the branch's
	} {
		got, whole, err := r.open().Line(t.Context(), c.from, c.to, c.most)
		if err != nil || !slices.Equal(got, c.want) || whole != c.whole {
			t.Errorf("%s..%s: %s, %v, %v; want %s, %v", c.from, c.to, got, whole, err, c.want, c.whole)
		}
	}
	if _, _, err := r.open().Line(t.Context(), root, strings.Repeat("a", 40), 10); !errors.Is(err, ErrGone) {
		t.Errorf("%v", err)
	}
}
