package compiler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

// TestMain makes the test program its own child.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Verb {
		if err := Child(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func self(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

const minimal = "package domino\n\ndeployment: {name: \"acme\", world: \"sandbox\"}\n"

// onDisk writes a tree and gives the source of its deployment prod.
func onDisk(t *testing.T, files map[string]string) Source {
	t.Helper()
	dir := t.TempDir()
	all := map[string]string{"cue.mod/module.cue": gen.Module, "prod/deployment.cue": minimal}
	for name, text := range files {
		all[name] = text
	}
	if err := gen.Write(dir, all); err != nil {
		t.Fatal(err)
	}
	return Source{Root: dir, Dir: "prod"}
}

func compileDisk(t *testing.T, src Source) Result {
	t.Helper()
	r, err := Compile(context.Background(), src)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func codes(r Result) (codes []string) {
	for _, f := range r.Findings {
		codes = append(codes, f.Code)
	}
	return slices.Compact(codes)
}

// TestLinks refuses every way a link can bring something in: as a file of the
// package, a folder above, an imported package, an embedded file.
func TestLinks(t *testing.T) {
	outside := t.TempDir()
	err := gen.Write(outside, map[string]string{"a.cue": "package domino\n", "p/p.cue": "package p\n\nname: \"outside\"\n", "secret.txt": "outside\n"})
	if err != nil {
		t.Fatal(err)
	}
	embedding := "@extern(embed)\npackage domino\n\nenvironments: e: dockerfile: _ @embed(file=%s, type=text)\n"
	importing := "package domino\n\nimport \"acme.example/p\"\n\nenvironments: e: name: p.name\n"
	for name, c := range map[string]struct {
		files    map[string]string
		at, to   string
		position string
	}{
		"file out of the tree":     {nil, "prod/b.cue", outside + "/a.cue", "b.cue:1:1"},
		"file within the tree":     {map[string]string{"other/a.cue": "package domino\n"}, "prod/b.cue", "../other/a.cue", "b.cue:1:1"},
		"any link out of the tree": {nil, "prod/README", "../../../etc/hosts", "README:1:1"},
		"link that leads nowhere":  {nil, "prod/b.cue", "nowhere.cue", "b.cue:1:1"},
		"imported folder":          {map[string]string{"prod/b.cue": importing}, "p", outside + "/p", "../p:1:1"},
		"embedded file":            {map[string]string{"prod/b.cue": fmt.Sprintf(embedding, "x.txt")}, "prod/x.txt", outside + "/secret.txt", "x.txt:1:1"},
		"embedded file inside":     {map[string]string{"prod/b.cue": fmt.Sprintf(embedding, "x.txt"), "y.txt": "inside"}, "prod/x.txt", "../y.txt", "x.txt:1:1"},
		"folder of embedded file":  {map[string]string{"prod/b.cue": fmt.Sprintf(embedding, "d/secret.txt")}, "prod/d", outside, "d:1:1"},
		"vendored schema":          {nil, "cue.mod/pkg", outside, "../cue.mod/pkg:1:1"},
	} {
		t.Run(name, func(t *testing.T) {
			src := onDisk(t, c.files)
			if err := os.Symlink(c.to, filepath.Join(src.Root, c.at)); err != nil {
				t.Fatal(err)
			}
			r := compileDisk(t, src)
			i := slices.IndexFunc(r.Findings, func(f schema.Finding) bool { return f.Code == codeLink })
			if i < 0 || r.Findings[i].Severity != schema.Error || r.Findings[i].Positions[0].String() != c.position {
				t.Errorf("want %s at %s, found\n%s", codeLink, c.position, list(r.Findings))
			}
			if text := fmt.Sprint(r.Desired); strings.Contains(text, "outside") {
				t.Errorf("what the link leads to was read: %s", text)
			}
		})
	}
}

func TestEmbed(t *testing.T) {
	src := onDisk(t, map[string]string{
		"prod/b.cue":        "@extern(embed)\npackage domino\n\nenvironments: e: dockerfile: _ @embed(file=docker/e.txt, type=text)\n",
		"prod/docker/e.txt": "RUN true\n",
	})
	r := compileDisk(t, src)
	o := r.Desired.Objects[schema.Address{Kind: "environments", Name: "e"}]
	if got := o.Fields["dockerfile"].Str(); got != "RUN true\n" || !slices.Contains(r.Files, "docker/e.txt") {
		t.Errorf("dockerfile is %q, files %v, found\n%s", got, r.Files, list(r.Findings))
	}
}

// TestImport takes packages of the same module, and the schema itself.
func TestImport(t *testing.T) {
	r := compileDisk(t, onDisk(t, map[string]string{
		"lib/lib.cue": "package lib\n\nimport \"domctl.dev/schema\"\n\n#Small: schema.#HardwareTier & {cores: 2}\n",
		"prod/b.cue":  "package domino\n\nimport \"acme.example/lib\"\n\nhardwareTiers: a: lib.#Small & {isDefault: true}\n",
	}))
	o := r.Desired.Objects[schema.Address{Kind: "hardwareTiers", Name: "a"}]
	if o.Fields["cores"].Text != "2" || len(r.Findings) > 0 {
		t.Errorf("cores is %v, found\n%s", o.Fields["cores"], list(r.Findings))
	}
	if at := o.At["cores"]; len(at) != 1 || at[0].File != "../lib/lib.cue" {
		t.Errorf("cores stands at %v", at)
	}
}

// TestOtherRepositories takes nothing from a git submodule or a CUE module
// within the module.
func TestOtherRepositories(t *testing.T) {
	importing := "package domino\n\nimport \"acme.example/lib\"\n\nenvironments: e: name: lib.name\n"
	for name, c := range map[string]struct{ marker, code string }{
		"submodule":     {"lib/.git", codeLink},
		"nested module": {"lib/cue.mod/module.cue", codeDependency},
	} {
		t.Run(name, func(t *testing.T) {
			r := compileDisk(t, onDisk(t, map[string]string{"prod/b.cue": importing, "lib/lib.cue": "package lib\n\nname: \"other\"\n", c.marker: gen.Module}))
			if !slices.Contains(codes(r), c.code) || strings.Contains(fmt.Sprint(r.Desired), "other") {
				t.Errorf("found\n%s%v", list(r.Findings), r.Desired)
			}
		})
	}
}

func TestLargeFile(t *testing.T) {
	r := compileDisk(t, onDisk(t, map[string]string{"prod/b.cue": "package domino\n//" + strings.Repeat("x", maxFile)}))
	if !slices.Contains(codes(r), codeSize) {
		t.Errorf("found\n%s", list(r.Findings))
	}
}

// TestBombs holds files that would never end, or take all memory, to the limits
// of a child.
func TestBombs(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds; run without -short")
	}
	head := "package domino\n\nimport (\"list\", \"strings\")\n\n_l: list.Range(0, 1000, 1)\n_s: strings.Repeat(\"x\", 1000)\n"
	doubling := "_d0: _s\n"
	for i := range 40 {
		doubling += fmt.Sprintf("_d%d: _d%d+_d%d\n", i+1, i, i)
	}
	for name, c := range map[string]struct {
		text, code string
		timeout    time.Duration
	}{
		"memory":              {head + doubling, codeMemory, 20 * time.Second},
		"deep comprehensions": {head + "_x: [for a in _l for b in _l for c in _l for d in _l if a+b+c+d < 0 {a}]\n", codeTime, time.Second},
		"huge list":           {head + "_x: [for i in list.Range(0, 100000000, 1) {n: i}]\n", codeMemory, 20 * time.Second},
		"huge repeat":         {head + "_x: strings.Repeat(_s, 100000000)\n", codeFailed, 20 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			src := onDisk(t, map[string]string{"prod/bomb.cue": c.text})
			src.Self, src.Timeout, src.Memory = self(t), c.timeout, 64<<20
			r := compileDisk(t, src)
			if got := codes(r); !slices.Equal(got, []string{c.code}) {
				t.Errorf("want %s, found\n%s", c.code, list(r.Findings))
			}
		})
	}
}

// TestChild gives the same result as this process, and the child sees nothing of
// the environment.
func TestChild(t *testing.T) {
	src := onDisk(t, map[string]string{"prod/all.cue": example, "prod/deployment.cue": "package domino\n"})
	here := compileDisk(t, src)
	src.Self = self(t)
	equal(t, "child", compileDisk(t, src), here)
	gone := src
	gone.Root = filepath.Join(src.Root, "gone")
	if _, err := Compile(context.Background(), gone); err == nil || !strings.HasPrefix(err.Error(), "open the module: ") {
		t.Errorf("a child that fails says %v", err)
	}
	src.Self = "/does/not/exist"
	if _, err := Compile(context.Background(), src); err == nil {
		t.Error("a child that cannot start is no error")
	}
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	src.Self = self(t)
	if _, err := Compile(canceled, src); err != context.Canceled {
		t.Errorf("canceled: %v", err)
	}
}

// TestFilesOfOtherPackages counts no file that states nothing.
func TestFilesOfOtherPackages(t *testing.T) {
	r := compileDisk(t, onDisk(t, map[string]string{"ci.cue": "package ci\n", "shared.cue": "package domino\n"}))
	if want := []string{"../cue.mod/module.cue", "../shared.cue", "deployment.cue"}; !slices.Equal(r.Files, want) || len(r.Findings) > 0 {
		t.Errorf("files %q, found\n%s", r.Files, list(r.Findings))
	}
}

// denying is a disk that denies one of its files.
type denying struct {
	fstest.MapFS
	name string
}

func (d denying) Open(name string) (fs.File, error) {
	if name == d.name {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return d.MapFS.Open(name)
}

func TestDeniedFiles(t *testing.T) {
	for name, want := range map[string]string{
		"prod/b.cue":         "b.cue may not be read: permission denied",
		"cue.mod/module.cue": "../cue.mod/module.cue may not be read: permission denied",
	} {
		disk := denying{memory(map[string]string{"prod/a.cue": minimal, "prod/b.cue": "package domino\n"}), name}
		en, err := compile(context.Background(), disk, Source{Root: "/", Dir: "prod"})
		if err != nil {
			t.Fatal(err)
		}
		if found := en.result.Findings; len(found) != 1 || found[0].Code != codeDenied || found[0].Message != want {
			t.Errorf("%s: found\n%s", name, list(found))
		}
	}
}

// TestEmptyMessages finds words for what CUE wraps without any.
func TestEmptyMessages(t *testing.T) {
	src := onDisk(t, map[string]string{"prod/b.cue": "package domino\n\nimport \"acme.example/p\"\n\nenvironments: e: name: p.name\n"})
	if err := errors.Join(os.Symlink("a.cue", filepath.Join(src.Root, "prod/l.cue")), os.Symlink("prod", filepath.Join(src.Root, "p"))); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{"prod", "cue.mod", "none"} {
		src.Dir = dir
		r := compileDisk(t, src)
		if len(r.Findings) == 0 {
			t.Errorf("%s: nothing is found", dir)
		}
		for _, f := range r.Findings {
			if f.Message == "" {
				t.Errorf("%s: found\n%s", dir, list(r.Findings))
			}
		}
	}
	if _, err := Find(filepath.Join(src.Root, "cue.mod")); err == nil || !strings.Contains(err.Error(), "name the deployment's") {
		t.Errorf("cue.mod is a deployment: %v", err)
	}
}
