package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestTemplateOfThePage bakes the block that docs/amis.md has of the executor
// template, word for word: the key pair that lets in is the instance's own, and two
// instances of that name are told.
func TestTemplateOfThePage(t *testing.T) {
	page, err := os.ReadFile("../../docs/amis.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?s)```cue\n([^`]*\\*executor-template\\*[^`]*)```").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/amis.md has no executor template")
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("BAKE_KEY", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})))
	dir := filepath.Join(t.TempDir(), "prod")
	domctl := func(want int, args ...string) string {
		t.Helper()
		var out bytes.Buffer
		if code := run(args, strings.NewReader(""), &out, &out); code != want {
			t.Fatalf("domctl %v: exit code %d\n%s", args, code, out.String())
		}
		return out.String()
	}
	edit := func(name, old, now string) {
		t.Helper()
		file := filepath.Join(dir, name)
		text, err := os.ReadFile(file)
		if err != nil || !bytes.Contains(text, []byte(old)) {
			t.Fatalf("%s has no %q (%v)", name, old, err)
		}
		if err := os.WriteFile(file, bytes.Replace(text, []byte(old), []byte(now), 1), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	domctl(0, "init", dir, "--example", "classic")
	edit("compute.cue", `amis: executor: find: {owners: ["self"], name: "domino-acme-executor-*"}`,
		"baseImages: ded: image: \"quay.io/acme/a:1\"\n"+regexp.MustCompile(`, hostKeys: \[.*\]`).ReplaceAllString(string(block[1]), "")) // the sandbox's instance has keys of its own
	const instance = `{"image": "ami-0bbb0000202312010", "type": "m5.xlarge", "architecture": "x86_64", "privateIP": "10.0.0.7", "state": "stopped", "launched": "2024-01-01T00:00:00Z", "tags": {"Name": "acme-executor-template"}, "disk": {"commands": {"salt-call*": {"stdout": "Succeeded: 12\n"}}}}`
	const state = `.domctl/sandbox.json`
	edit(state, `    "region": "us-east-1"`, `    "region": "us-east-1", "keyPairs": {"key-1": {"name": "bake"}}, "instances": {"i-0000000000000000a": `+instance+`, "i-0000000000000000b": `+instance+`}`)
	edit(state, `  "registry": {`, `  "registry": {"quay.io/acme/a:1": {"linux/amd64": "sha256:`+strings.Repeat("a", 64)+`"}`)
	if err := os.Remove(filepath.Join(dir, "resolved.cue")); err != nil {
		t.Fatal(err)
	}
	domctl(0, "update", dir, "ded")
	plan := []string{"plan", dir, "--target", "amis.executor"}
	if said := domctl(0, plan...); !strings.Contains(said, "and 2 have that name") {
		t.Errorf("two of that name: %s", said)
	}
	edit(state, `"i-0000000000000000b": {"image": "ami-0bbb0000202312010", "type": "m5.xlarge", "architecture": "x86_64", "privateIP": "10.0.0.7", "state": "stopped"`,
		`"i-0000000000000000b": {"image": "ami-0bbb0000202312010", "type": "m5.xlarge", "architecture": "x86_64", "state": "terminated"`)
	if said := domctl(0, plan...); !strings.Contains(said, "names no key pair") {
		t.Errorf("without a key pair: %s", said)
	}
	edit(state, `"i-0000000000000000a": {`, `"i-0000000000000000a": {"key": "bake", `)
	if said := domctl(0, "apply", dir, "--target", "amis.executor", "--auto-approve"); !strings.Contains(said, "Applied: 2 steps") || strings.Contains(said, "DC264") || !strings.Contains(said, "now baked") {
		t.Error(said)
	}
}
