package compiler

import (
	"context"
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

// cachedTree is a deployment that rests on every kind of question: files,
// folders, an embedded file, an import, and things that are not there.
func cachedTree(t *testing.T) (Source, cache) {
	t.Helper()
	src := onDisk(t, map[string]string{
		"shared.cue":  "package domino\n\nhardwareTiers: [string]: isVisible: true\n",
		"lib/lib.cue": "package lib\n\ncores: 2\n",
		"prod/b.cue": "@extern(embed)\npackage domino\n\nimport \"acme.example/lib\"\n\nenvironments: e: dockerfile: _ @embed(file=e.txt, type=text)\n" +
			"hardwareTiers: a: {cores: lib.cores, isDefault: true}\n",
		"prod/e.txt": "RUN true\n",
	})
	src.Cache, src.Program = t.TempDir(), "one"
	kept, ok := cacheOf(src)
	if !ok {
		t.Fatal("no cache")
	}
	return src, kept
}

// hit says whether the cache answers.
func hit(t *testing.T, src Source) bool {
	t.Helper()
	kept, _ := cacheOf(src)
	root, err := os.OpenRoot(src.Root)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	_, ok := kept.load(newTree(root.FS(), src.Dir))
	return ok
}

// TestCacheMisses changes one thing at a time that could change the answer: the
// cache no longer answers, and a fresh compile is what comes of it.
func TestCacheMisses(t *testing.T) {
	link := func(at, to string) func(*testing.T, Source) Source {
		return func(t *testing.T, src Source) Source {
			at := filepath.Join(src.Root, at)
			if err := os.RemoveAll(at); err != nil {
				t.Fatal(err)
			}
			if err := os.Symlink(to, at); err != nil {
				t.Fatal(err)
			}
			return src
		}
	}
	write := func(name, text string) func(*testing.T, Source) Source {
		return func(t *testing.T, src Source) Source {
			if err := gen.Write(src.Root, map[string]string{name: text}); err != nil {
				t.Fatal(err)
			}
			return src
		}
	}
	for name, change := range map[string]func(*testing.T, Source) Source{
		"file changes":          write("prod/deployment.cue", minimal+"\n"),
		"inherited changes":     write("shared.cue", "package domino\n"),
		"import changes":        write("lib/lib.cue", "package lib\n\ncores: 3\n"),
		"import gains a file":   write("lib/more.cue", "package lib\n"),
		"embedded changes":      write("prod/e.txt", "RUN false\n"),
		"file appears":          write("prod/c.cue", "package domino\n"),
		"file appears below":    write("prod/sub/x.cue", "package domino\n"),
		"inherited appears":     write("other.cue", "package domino\n"),
		"stray appears":         write("cue.mod/usr/x/y.cue", "package y\n"),
		"replacements appear":   write("cue.mod/local-module.cue", "deps: {}\n"),
		"module changes":        write("cue.mod/module.cue", gen.Module+"\n"),
		"file becomes a link":   link("prod/e.txt", "deployment.cue"),
		"folder becomes a link": link("lib", "prod"),
		"tags":                  func(_ *testing.T, src Source) Source { src.Tags = []string{"x"}; return src },
		"program":               func(_ *testing.T, src Source) Source { src.Program = "two"; return src },
		"file goes": func(t *testing.T, src Source) Source {
			if err := os.Remove(filepath.Join(src.Root, "shared.cue")); err != nil {
				t.Fatal(err)
			}
			return src
		},
	} {
		t.Run(name, func(t *testing.T) {
			src, _ := cachedTree(t)
			compileDisk(t, src)
			if !hit(t, src) {
				t.Fatal("the cache does not answer for unchanged files")
			}
			src = change(t, src)
			if hit(t, src) {
				t.Error("the cache answers for changed files")
			}
			fresh := src
			fresh.Cache = ""
			if src.Tags == nil {
				equal(t, "after the change", compileDisk(t, src), compileDisk(t, fresh))
			}
		})
	}
}

// TestCacheIgnoresRubbish compiles afresh when an entry is torn, altered,
// foreign or cannot be read, and replaces it.
func TestCacheIgnoresRubbish(t *testing.T) {
	src, kept := cachedTree(t)
	want := compileDisk(t, src)
	good, err := os.ReadFile(kept.path())
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range [][]byte{nil, good[:len(good)/2], append(good[:len(good):len(good)], 0), []byte("rubbish"), flip(good, len(magic)+9), flip(good, len(good)-1), flip(good, 0)} {
		if err := os.WriteFile(kept.path(), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		if hit(t, src) {
			t.Error("the cache answers from rubbish")
		}
		equal(t, "rubbish", compileDisk(t, src), want)
		if after, err := os.ReadFile(kept.path()); err != nil || string(after) != string(good) {
			t.Error("the entry was not replaced", err)
		}
	}
}

func flip(b []byte, i int) []byte {
	c := append([]byte(nil), b...)
	c[i] ^= 1
	return c
}

func TestCacheStaysOutside(t *testing.T) {
	src, _ := cachedTree(t)
	src.Cache = filepath.Join(src.Root, "prod", ".cache")
	compileDisk(t, src)
	if _, err := os.Stat(src.Cache); err == nil {
		t.Error("a cache was made within the tree")
	}
}

func TestCacheThatCannotBeWritten(t *testing.T) {
	src, _ := cachedTree(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	src.Cache = filepath.Join(file, "below")
	r, err := Compile(context.Background(), src)
	if err == nil || len(r.Desired.Objects) == 0 {
		t.Errorf("want an error and the result, got %v and %d objects", err, len(r.Desired.Objects))
	}
}

func TestCacheIsBounded(t *testing.T) {
	_, kept := cachedTree(t)
	for _, name := range []string{"a", "b", "c"} {
		path := filepath.Join(kept.dir, name+suffix)
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(path, maxCache/2); err != nil {
			t.Fatal(err)
		}
	}
	if err := kept.store("small"); err != nil {
		t.Fatal(err)
	}
	left, _ := filepath.Glob(filepath.Join(kept.dir, "*"))
	if len(left) != 2 {
		t.Errorf("left %v, want one large entry and the one just written", left)
	}
	if _, err := os.Stat(kept.path()); err != nil {
		t.Error(err)
	}
}

// FuzzDecode feeds the decoder anything: it refuses or it gives an entry that
// encodes to the same entry.
func FuzzDecode(f *testing.F) {
	en, err := compile(context.Background(), memory(map[string]string{"prod/all.cue": example}), Source{Dir: "prod"})
	if err != nil {
		f.Fatal(err)
	}
	good, err := encode(en)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		sealed := seal(b)
		en, err := decode(string(sealed))
		if err != nil {
			return
		}
		again, err := encode(en)
		if err != nil {
			t.Fatal(err)
		}
		back, err := decode(string(again))
		if err != nil || !reflect.DeepEqual(back, en) {
			t.Errorf("%v\n got %+v\nwant %+v", err, back, en)
		}
	})
}

// seal gives bytes the right magic and checksum, so that fuzzing gets past them.
func seal(b []byte) []byte {
	if len(b) < len(magic)+4 {
		b = append(b, make([]byte, len(magic)+4-len(b))...)
	}
	return sealed(append([]byte(nil), b...))
}

// FuzzCompile feeds the compiler anything as a file: it never panics, all it
// says is explained, and reading plain objects apart changes nothing.
func FuzzCompile(f *testing.F) {
	f.Add(example)
	f.Add(inherited)
	f.Add("package domino\n\nhardwareTiers: a: cores: *1 | \"x\"\n")
	codes := map[string]bool{}
	for _, c := range schema.Codes() {
		codes[c.Code] = true
	}
	f.Fuzz(func(t *testing.T, text string) {
		files := memory(map[string]string{"prod/a.cue": text, "prod/deployment.cue": minimal})
		en, err := compile(context.Background(), files, Source{Dir: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		for _, finding := range en.result.Findings {
			if !codes[finding.Code] || finding.Message == "" {
				t.Errorf("unexplained finding %+v", finding)
			}
		}
		whole := newTree(files, "prod")
		whole.evaluateAll = true
		compareWhole(t, whole.compile(Source{Dir: "prod"}), en.result)
	})
}
