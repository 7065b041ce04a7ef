package compiler

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"domctl.dev/schema"
)

// TestChildHasNothing: neither variables of who starts it, nor its folder, nor its files.
func TestChildHasNothing(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("what a process was given is read from /proc: run the tests on Linux")
	}
	t.Setenv("AWS_SECRET_ACCESS_KEY", "canary")
	open, err := os.Open("hermetic_test.go")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	dir := t.TempDir()
	spy, told := filepath.Join(dir, "spy"), filepath.Join(dir, "told")
	script := "#!/bin/sh\nexec >>" + told + `
/usr/bin/tr '\000' '\n' </proc/$$/environ
echo in "$(/usr/bin/readlink /proc/$$/cwd)"
/usr/bin/readlink /proc/$$/fd/*
echo given "$@"
exit 1
`
	if err := os.WriteFile(spy, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	src := onDisk(t, nil)
	src.Self = spy
	if _, err := Compile(context.Background(), src); err == nil {
		t.Error("the spy compiles")
	}
	text, err := os.ReadFile(told)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) < 4 || lines[0] != "in /" || !slices.Contains(lines, "given "+Verb) {
		t.Fatalf("it has an environment, or another folder:\n%s", text)
	}
	for _, line := range lines[1:] {
		if file := strings.HasPrefix(line, "/"); file && line != told && line != spy && line != "/dev/null" {
			t.Errorf("it has %s open", line)
		}
	}
}

// TestNoRegistryIsAsked for a module that a tree depends on, wherever the environment says
// that modules are.
func TestNoRegistryIsAsked(t *testing.T) {
	var asked atomic.Int32
	registry := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { asked.Add(1); w.WriteHeader(http.StatusNotFound) }))
	defer registry.Close()
	registry.Config.ConnState = func(net.Conn, http.ConnState) { asked.Add(1) }
	t.Setenv("CUE_REGISTRY", strings.TrimPrefix(registry.URL, "http://")+"+insecure")
	for name, files := range map[string]map[string]string{
		"a dependency": {"cue.mod/module.cue": "module: \"acme.example\"\nlanguage: version: \"v0.9.0\"\ndeps: \"evil.example/m@v0\": v: \"v0.1.0\"\n",
			"prod/b.cue": "package domino\n\nimport \"evil.example/m@v0:m\"\n\nenvironments: e: name: m.name\n"},
		"an import":     {"prod/b.cue": "package domino\n\nimport \"evil.example/m\"\n\nenvironments: e: name: m.name\n"},
		"a replacement": {"cue.mod/local-module.cue": "deps: \"evil.example/m@v0\": replaceWith: \"other.example/m@v0\"\n"},
	} {
		src := onDisk(t, files)
		for _, src.Self = range []string{"", self(t)} {
			if r := compileDisk(t, src); !schema.Failed(r.Findings) {
				t.Errorf("%s: found\n%s", name, list(r.Findings))
			}
		}
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("a registry was asked %d times", n)
	}
}

// TestNoFileReopensTheSchema: what lies where CUE looks for packages changes no rule.
func TestNoFileReopensTheSchema(t *testing.T) {
	const opened = "package schema\n\n#HardwareTier: {...}\n#HardwareTiers: [string]: {...}\n"
	for _, name := range []string{"cue.mod/pkg/domctl.dev/schema/more.cue", "cue.mod/usr/domctl.dev/schema/more.cue", "cue.mod/gen/domctl.dev/schema/more.cue"} {
		r := compileDisk(t, onDisk(t, map[string]string{name: opened, "prod/b.cue": "package domino\n\nhardwareTiers: a: {cores: 1, coers: 2}\n"}))
		if !slices.Contains(codes(r), codeStray) {
			t.Errorf("%s: found\n%s", name, list(r.Findings))
		}
	}
	for name, text := range map[string]string{"cue.mod/pkg/domctl.dev/schema/hardware_tiers.cue": opened, "prod/kinds.cue": "package domino\n\nhardwareTiers: [string]: {...}\n"} {
		r := compileDisk(t, onDisk(t, map[string]string{name: text, "prod/b.cue": "package domino\n\nhardwareTiers: a: {cores: 1, coers: 2}\n"}))
		if !strings.Contains(list(r.Findings), "coers") {
			t.Errorf("%s: found\n%s", name, list(r.Findings))
		}
	}
}
