package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
)

// TestAnImportIsWrittenWhole or not at all.
func TestAnImportIsWrittenWhole(t *testing.T) {
	long := strings.Repeat("x", 300)
	for name, found := range map[string]engine.Imported{
		"a file":   {Text: []byte("x"), Files: map[string][]byte{"in/a/Dockerfile": []byte("a"), "in/b/Dockerfile": []byte("b"), "in/" + long + "/Dockerfile": []byte("c")}},
		"its name": {Text: []byte("x"), Files: map[string][]byte{"in/a/Dockerfile": []byte("a"), "in/a/" + long: []byte("b")}},
	} {
		dir := t.TempDir()
		if _, err := writeAll(dir, "in", found); err == nil {
			t.Errorf("%s: written", name)
		}
		left, err := os.ReadDir(dir)
		if err != nil || len(left) > 0 {
			t.Errorf("%s: %v is left, %v", name, left, err)
		}
	}
	dir := t.TempDir()
	if name, err := writeAll(dir, "in", engine.Imported{Text: []byte("x"), Files: map[string][]byte{"in/a/Dockerfile": []byte("a")}}); err != nil || name != "in.cue" {
		t.Errorf("%s, %v", name, err)
	}
	if _, err := os.Stat(filepath.Join(dir, "in/a/Dockerfile")); err != nil {
		t.Error(err)
	}
}
