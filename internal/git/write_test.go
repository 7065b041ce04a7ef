package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func (r repo) write(commit, under string, l Limits) (string, Written, error) {
	r.t.Helper()
	dest := r.t.TempDir()
	w, err := r.open().Write(r.t.Context(), commit, under, dest, l)
	return dest, w, err
}

// state is all that a verb must not touch: the work tree, the index and the refs.
func (r repo) state() string {
	r.t.Helper()
	var b strings.Builder
	err := filepath.WalkDir(r.dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			var text []byte
			text, err = os.ReadFile(name)
			fmt.Fprintf(&b, "%s %x\n", name, text)
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
	return b.String()
}

func TestWrite(t *testing.T) {
	r := newRepo(t)
	pointer := "version https://git-lfs.github.com/spec/v1\noid sha256:0000\nsize 12345\n"
	names := map[string]string{"prod/a.cue": "one\r\ntwo\r\n", "prod/run.sh": "#!/bin/sh\n", "new\nline/x": "n", "shared.cue": "s", "big.bin": pointer, ".gitattributes": "*.cue text eol=crlf\n", "é/ü.cue": "u", "-x": "dash"}
	for name, text := range names {
		write(t, filepath.Join(r.dir, name), text)
	}
	if err := os.Chmod(filepath.Join(r.dir, "prod/run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	links := map[string]string{"prod/in": "../shared.cue", "prod/odd": "./x/../../shared.cue", "prod/out": "../../etc/passwd", "abs": "/etc/passwd", "self": ".", "prod/up": ".."}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(r.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	r.git("config", "core.autocrlf", "false")
	first := r.commit(nil)
	r.git("update-index", "--add", "--cacheinfo", "160000,"+first+",prod/sub")
	r.git("commit", "-q", "-m", "submodule")
	commit := r.git("rev-parse", "HEAD")
	before := r.state()
	dest, w, err := r.write(commit, ".", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if r.state() != before {
		t.Error("the repository was touched")
	}
	if !slices.Equal(w.Pointers, []string{"big.bin"}) {
		t.Errorf("pointers %q", w.Pointers)
	}
	for name := range names {
		got, err := os.ReadFile(filepath.Join(dest, name))
		if blob := r.git("rev-parse", commit+":"+name); err != nil || r.hash(got) != blob {
			t.Errorf("%q: %q %v", name, got, err)
		}
	}
	if fi, err := os.Stat(filepath.Join(dest, "prod/run.sh")); err != nil || fi.Mode().Perm() != 0o700 {
		t.Error(fi.Mode(), err)
	}
	if fi, err := os.Stat(filepath.Join(dest, "prod")); err != nil || fi.Mode().Perm() != 0o700 {
		t.Error(fi.Mode(), err)
	}
	for name, want := range map[string]string{"prod/in": "../shared.cue", "prod/odd": "../shared.cue", "prod/out": nowhere, "abs": nowhere, "self": ".", "prod/up": ".."} {
		if got, err := os.Readlink(filepath.Join(dest, name)); got != want || err != nil {
			t.Errorf("%s leads to %s, %v, want %s", name, got, err, want)
		}
	}
	if _, err := os.Stat(filepath.Join(dest, "prod/sub/.git")); err != nil {
		t.Error(err)
	}
	if dest, _, err = r.write(commit, "prod", Limits{}); err != nil {
		t.Fatal(err)
	}
	if here, _ := os.ReadDir(dest); len(here) != 1 || here[0].Name() != "prod" {
		t.Errorf("%v", here)
	}
	if _, _, err = r.write(commit, "gone/prod", Limits{}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
	if _, _, err = r.write(commit, "shared.cue", Limits{}); !errors.Is(err, ErrNotFound) {
		t.Error(err)
	}
}

func (r repo) hash(text []byte) string {
	r.t.Helper()
	cmd := exec.Command("git", "hash-object", "--stdin", "--no-filters")
	cmd.Dir, cmd.Stdin = r.dir, bytes.NewReader(text)
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

func TestWriteIsBounded(t *testing.T) {
	r := newRepo(t)
	commit := r.commit(map[string]string{"a/b/c/d": "x", "e": strings.Repeat("y", 100), "f": "z", "g/h": "i"})
	for want, l := range map[string]Limits{
		"more than 3 files": {Files: 3, Bytes: 1 << 20, File: 1 << 20, Depth: 9},
		"deeper than 2":     {Files: 99, Bytes: 1 << 20, File: 1 << 20, Depth: 2},
		"more than 0 MiB":   {Files: 99, Bytes: 50, File: 1 << 20, Depth: 9},
	} {
		if _, _, err := r.write(commit, ".", l); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
	dest, _, err := r.write(commit, ".", Limits{Files: 99, Bytes: 50, File: 50, Depth: 9})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dest, "e")); err != nil || !bytes.Equal(text, make([]byte, 100)) {
		t.Errorf("%q %v", text, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.open().Write(ctx, commit, ".", t.TempDir(), Limits{}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// TestHostileTree: names that git refuses to check out are refused here too.
func TestHostileTree(t *testing.T) {
	r := newRepo(t)
	r.commit(map[string]string{"a": "x"})
	x := r.git("rev-parse", "HEAD:a")
	for _, name := range []string{".git", ".GIT", "..", "."} {
		raw := append([]byte("100644 "+name+"\x00"), unhex(t, x)...)
		if _, _, err := r.write(r.treeOf(raw), ".", Limits{}); err == nil || !strings.Contains(err.Error(), "no name that a file may have") {
			t.Errorf("%s: %v", name, err)
		}
	}
	twice := append(append([]byte("120000 a\x00"), unhex(t, x)...), append([]byte("100644 a\x00"), unhex(t, x)...)...)
	if _, _, err := r.write(r.treeOf(twice), ".", Limits{}); err == nil {
		t.Error("two files of one name")
	}
	// What is no mode of git's is one of a submodule to go-git.
	odd := append([]byte("020644 a\x00"), unhex(t, x)...)
	dest, _, err := r.write(r.treeOf(odd), ".", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dest, "a", ".git")); err != nil {
		t.Error(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	var b []byte
	if _, err := fmt.Sscanf(s, "%x", &b); err != nil {
		t.Fatal(err)
	}
	return b
}

// treeOf makes a commit of a tree's bytes.
func (r repo) treeOf(raw []byte) string {
	r.t.Helper()
	cmd := exec.Command("git", "hash-object", "-t", "tree", "-w", "--stdin", "--literally")
	cmd.Dir, cmd.Stdin = r.dir, bytes.NewReader(raw)
	out, err := cmd.Output()
	if err != nil {
		r.t.Fatal(err)
	}
	return r.git("commit-tree", "-m", "x", strings.TrimSpace(string(out)))
}

// TestHugeObject: a file of 2 GB costs its header. The loose object here has no more
// than that; of the packed one the size alone is asked for.
func TestHugeObject(t *testing.T) {
	r := newRepo(t)
	const size, id = 2 << 30, "aa11111111111111111111111111111111111111"
	var object bytes.Buffer
	z := zlib.NewWriter(&object)
	fmt.Fprintf(z, "blob %d\x00beginning", size)
	if err := z.Flush(); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(r.dir, ".git/objects", id[:2], id[2:]), object.String())
	commit := r.treeOf(append([]byte("100644 huge\x00"), unhex(t, id)...))
	dest, _, err := r.write(commit, ".", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if fi, err := os.Stat(filepath.Join(dest, "huge")); err != nil || fi.Size() != size {
		t.Error(fi, err)
	}
	packed := r.commit(map[string]string{"large": strings.Repeat("domino\n", 4<<20)})
	r.git("repack", "-adq")
	dest, _, err = r.write(packed, ".", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(filepath.Join(dest, "large")); err != nil || len(text) != 28<<20 || text[0] != 0 {
		t.Error(len(text), err)
	}
}

// TestManyFiles: 10,000 files, and as many commits.
func TestManyFiles(t *testing.T) {
	r := newRepo(t)
	var stream strings.Builder
	for i := range 10_000 {
		fmt.Fprintf(&stream, "commit refs/heads/main\ncommitter A <a@example.com> %d +0000\ndata 0\nM 100644 inline d%d/f%d\ndata 2\n%d\n\n", 1700000000+i, i%100, i, i%10)
	}
	cmd := exec.Command("git", "fast-import", "--quiet")
	cmd.Dir, cmd.Stdin = r.dir, strings.NewReader(stream.String())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	r.git("branch", "topic", "main~9000")
	head, topic := r.git("rev-parse", "main"), r.git("rev-parse", "topic")
	began := time.Now()
	base, err := r.open().MergeBase(t.Context(), head, topic)
	if err != nil || base != topic {
		t.Fatal(base, err)
	}
	found := time.Now()
	dest, _, err := r.write(head, ".", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	wrote := time.Now()
	names, err := r.open().Differ(t.Context(), topic, head)
	if err != nil || len(names) != 9000 {
		t.Error(len(names), err)
	}
	t.Logf("merge base %s, tree %s, names %s", found.Sub(began), wrote.Sub(found), time.Since(wrote))
	if all, _ := filepath.Glob(filepath.Join(dest, "*", "*")); len(all) != 10_000 {
		t.Errorf("%d files", len(all))
	}
}

// TestDiffer compares with what git itself says.
func TestDiffer(t *testing.T) {
	r := newRepo(t)
	one := r.commit(map[string]string{"a": "1", "b/c": "1", "b/d": "1", "e": "1", "new\nline": "1", "same/x": "1", "f/g": "1"})
	r.git("mv", "b", "moved")
	r.git("rm", "-q", "e")
	r.git("update-index", "--chmod=+x", "a")
	r.git("rm", "-rq", "f")
	write(t, filepath.Join(r.dir, "f"), "now a file")
	two := r.commit(map[string]string{"new\nline": "2", "e/f/g": "1"})
	r.git("config", "core.filemode", "false")
	for _, pair := range [][2]string{{one, two}, {two, one}, {one, one}} {
		got, err := r.open().Differ(t.Context(), pair[0], pair[1])
		want := strings.Split(strings.TrimSuffix(r.git("diff", "--no-renames", "--name-only", "-z", pair[0], pair[1]), "\x00"), "\x00")
		slices.Sort(want)
		if len(want) == 1 && want[0] == "" {
			want = nil
		}
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%q %v, git says %q", got, err, want)
		}
	}
}
