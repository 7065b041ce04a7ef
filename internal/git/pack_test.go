package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// kept has a pack kept, and answers its index.
func kept(ctx context.Context, t *testing.T, text []byte) ([]byte, error) {
	t.Helper()
	dir := t.TempDir()
	f, err := os.Create(filepath.Join(dir, "tmp_pack_"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := keep(ctx, f, mostObjects); err != nil {
		if all, _ := filepath.Glob(filepath.Join(dir, "*.idx")); len(all) > 0 {
			t.Error("what was refused has an index")
		}
		return nil, err
	}
	all, _ := filepath.Glob(filepath.Join(dir, "*.idx"))
	if len(all) != 1 {
		t.Fatalf("%s", all)
	}
	index, err := os.ReadFile(all[0])
	if err != nil {
		t.Fatal(err)
	}
	return index, nil
}

// packs are those that git makes of a repository: with differences by place, by id, and
// without.
func (r repo) packs() (all [][]byte) {
	r.t.Helper()
	ids := r.git("rev-list", "--objects", "--all")
	for _, flags := range [][]string{{"--delta-base-offset", "--depth=50"}, {"--depth=50"}, {"--depth=4000", "--window=50"}, {"--window=0"}} {
		cmd := r.command(append([]string{"pack-objects", "--stdout", "-q", "--no-reuse-delta"}, flags...)...)
		cmd.Stdin = strings.NewReader(ids)
		out, err := cmd.Output()
		if err != nil {
			r.t.Fatal(err)
		}
		all = append(all, out)
	}
	return all
}

// TestPackIndex: the index of a pack is what git's own is, to the byte.
func TestPackIndex(t *testing.T) {
	r, rnd := newRepo(t), rand.New(rand.NewSource(1))
	lines := strings.Split(strings.Repeat("a line of a file that changes a little each time\n", 200), "\n")
	for n := range 60 {
		lines[rnd.Intn(len(lines))] = fmt.Sprint(rnd.Int())
		r.commit(map[string]string{"a": strings.Join(lines, "\n"), fmt.Sprint("d/", n%7): strings.Join(lines[n:], "\n"), "empty": ""})
	}
	r.git("tag", "-a", "-m", "x", "v1")
	for i, text := range r.packs() {
		got, err := kept(t.Context(), t, text)
		if err != nil {
			t.Fatal(err)
		}
		at := filepath.Join(t.TempDir(), "x.pack")
		if err := os.WriteFile(at, text, 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("git", "index-pack", at).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		want, err := os.ReadFile(strings.TrimSuffix(at, ".pack") + ".idx")
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("pack %d: the index differs, %v", i, err)
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := kept(gone, t, text); !errors.Is(err, context.Canceled) {
			t.Errorf("nobody waits for it: %v", err)
		}
		for range 25 { // nothing that is cut off or altered has an index, whatever else happens
			bad := bytes.Clone(text)
			if rnd.Intn(2) == 0 {
				bad = bad[:rnd.Intn(len(bad))]
			} else {
				bad[rnd.Intn(len(bad))] ^= byte(1 + rnd.Intn(255))
			}
			if _, err := kept(t.Context(), t, bad); err == nil {
				t.Fatal("a pack that was altered is taken")
			}
		}
	}
}

// TestPackBombs: objects that are whole cost nothing, whatever their size; of those that
// others are differences to, and of what is read whole later, no more is held than there
// is room for.
func TestPackBombs(t *testing.T) {
	const large = mostHeld + 1
	for name, c := range map[string]struct {
		fill func(p *packing) (objects uint32)
		want string
	}{
		"a large file": {func(p *packing) uint32 { p.object("blob", 3, large, io.LimitReader(nothings{}, large)); return 1 }, ""},
		"a large base": {func(p *packing) uint32 {
			id := p.object("blob", 3, large, io.LimitReader(nothings{}, large))
			p.differs(id, large, large, 1)
			return 2
		}, "at most 256 MiB of such are read"},
		"a difference that makes much of little": {func(p *packing) uint32 {
			id := p.object("blob", 3, 1<<16, io.LimitReader(nothings{}, 1<<16))
			p.differs(id, 1<<16, large, 1)
			return 2
		}, "at most 256 MiB of such are read"},
		"a difference that is large": {func(p *packing) uint32 {
			id := p.object("blob", 3, 1, io.LimitReader(nothings{}, 1))
			p.differs(id, 1, 1, large)
			return 2
		}, "at most 256 MiB of such are read"},
		"a large folder": {func(p *packing) uint32 {
			p.object("tree", 2, mostShape+1, io.LimitReader(nothings{}, mostShape+1))
			return 1
		}, "a tree is of 64 MiB; at most 64 are read"},
		"a difference to nothing": {func(p *packing) uint32 { p.differs(make([]byte, 20), 1, 1, 1); return 1 }, "reference delta not found"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPacking(t, 0)
			n := c.fill(p)
			p.count(n)
			most, stop := watch()
			_, err := kept(t.Context(), t, p.Bytes())
			stop()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("%v, want %q", err, c.want)
			}
			if held := most.Load(); held > 128<<20 {
				t.Errorf("%d MiB are held", held>>20)
			}
		})
	}
}

// FuzzPack: a pack that is taken is one that git takes, with the same index.
func FuzzPack(f *testing.F) {
	p := newPacking(f, 0)
	id := p.object("blob", 3, 5, strings.NewReader("hello"))
	p.differs(id, 5, 5, 7)
	p.count(2)
	f.Add(p.Bytes()[:p.Len()-20])
	f.Fuzz(func(t *testing.T, text []byte) {
		p := newPacking(t, 0)
		p.Reset()
		p.Write(text)
		p.sum()
		got, err := kept(t.Context(), t, p.Bytes())
		if err != nil {
			return
		}
		at := filepath.Join(t.TempDir(), "x.pack")
		if err := os.WriteFile(at, p.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command("git", "index-pack", at).CombinedOutput(); err != nil {
			t.Fatalf("git refuses it: %s", out)
		}
		if want, err := os.ReadFile(strings.TrimSuffix(at, ".pack") + ".idx"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("the index differs, %v", err)
		}
	})
}
