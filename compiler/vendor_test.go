package compiler

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/gen"
	"domctl.dev/schema"
)

// TestVendor makes the tree one that the cue command accepts, twice with nothing
// to do the second time, and says when the copy is old.
func TestVendor(t *testing.T) {
	src := onDisk(t, map[string]string{
		"prod/all.cue":           example,
		"prod/deployment.cue":    "package domino\n",
		"stage/a.cue":            minimal,
		"shared.cue":             "package domino\n\ndeployment: executors: \"kubernetes\"\n",
		"lib/lib.cue":            "package lib\n\ndeployment: 3\n",
		"nested/cue.mod/x":       "",
		"nested/a.cue":           minimal,
		vendorDir + "/older.cue": "package schema\n",
	})
	if r := compileDisk(t, src); !slices.Equal(codes(r)[:1], []string{codeStray}) {
		t.Errorf("an older version's file: found\n%s", list(r.Findings))
	}
	changed, err := Vendor(src.Root)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"prod/kinds.cue", "stage/kinds.cue", vendorDir + "/older.cue", vendorDir + "/amis.cue"} {
		if !slices.Contains(changed, want) {
			t.Errorf("changed %v, not %s", changed, want)
		}
	}
	if len(changed) != len(schema.Files())+3 {
		t.Errorf("changed %v", changed)
	}
	if again, err := Vendor(src.Root); err != nil || len(again) > 0 {
		t.Errorf("the second time changed %v, %v", again, err)
	}
	if r := compileDisk(t, src); schema.Failed(r.Findings) || slices.Contains(codes(r), codeVendored) {
		t.Errorf("found\n%s", list(r.Findings))
	}
	if _, err := runCue(t, filepath.Join(src.Root, "prod"), "vet", "-c", "."); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"prod/kinds.cue", vendorDir + "/amis.cue"} {
		if err := os.WriteFile(filepath.Join(src.Root, name), []byte("package x\n"), 0o644); err != nil {
			t.Fatal(err)
		}
		r := compileDisk(t, src)
		if schema.Failed(r.Findings) || !slices.Contains(codes(r), codeVendored) {
			t.Errorf("%s is old, found\n%s", name, list(r.Findings))
		}
		if _, err := Vendor(src.Root); err != nil {
			t.Fatal(err)
		}
	}
}

// TestResolvedIsReadBack: it is read back as what was written, and is formatted.
func TestResolvedIsReadBack(t *testing.T) {
	want := schema.Resolved{
		BaseImages: map[string]schema.ResolvedImage{
			"ded":     {Image: "quay.io/domino/base:DED_py3.9_R4.2", Digests: map[string]string{"linux/amd64": "sha256:" + strings.Repeat("a", 64), "linux/arm64": "sha256:" + strings.Repeat("b", 64)}},
			"a \"b\"": {Image: "x\\y", Digests: map[string]string{"linux/amd64": "sha256:" + strings.Repeat("c", 64)}},
		},
		AMIs: map[string]schema.ResolvedAMI{"gpu-1": {Image: "ami-0123456789abcdef0", Source: "ssm:/a/b", Name: "gpu", Created: "2026-01-02"}},
	}
	text, err := FormatResolved(want)
	if err != nil {
		t.Fatal(err)
	}
	r := compileFiles(t, map[string]string{"prod/a.cue": minimal, "prod/resolved.cue": string(text)})
	if schema.Failed(r.Findings) {
		t.Errorf("%s\nfound\n%s", text, list(r.Findings))
	}
	again, err := FormatResolved(r.Resolved)
	if err != nil || string(again) != string(text) {
		t.Errorf("read back as\n%s\nwant\n%s\n%v", again, text, err)
	}
	if empty, err := FormatResolved(schema.Resolved{}); err != nil || !strings.Contains(string(empty), "package domino") {
		t.Errorf("%s, %v", empty, err)
	}
}

// TestGeneratedDocs holds docs to the code; `make generate` writes them.
func TestGeneratedDocs(t *testing.T) {
	for name, want := range map[string]string{"schema.md": Reference(), "findings.md": FindingReference()} {
		got, err := os.ReadFile(filepath.Join("..", "docs", name))
		if err != nil || string(got) != want {
			t.Errorf("docs/%s is out of date; run make generate (%v)", name, err)
		}
	}
}

// TestGeneratedTreesArePlain proves that benchmarks time what they should: every
// generated object takes the short way, and none has a finding.
func TestGeneratedTreesArePlain(t *testing.T) {
	tr := newTree(memory(gen.Tree(100)), "prod")
	pkg, findings := evaluate(tr, Source{Dir: "prod"})
	if len(findings) > 0 || len(pkg.plain) != 103 {
		t.Errorf("%d of 103 objects are plain, found\n%s", len(pkg.plain), list(findings))
	}
	if r := tr.compile(Source{Dir: "prod"}); len(r.Findings) > 0 {
		t.Errorf("found\n%s", list(r.Findings))
	}
}
