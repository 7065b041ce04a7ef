package compiler

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// An entry that is no file, or larger than all entries may be, is no answer: it
// is neither waited for nor read.
func TestReadTextRefusesWhatNoCompileKept(t *testing.T) {
	dir := t.TempDir()
	pipe, large := filepath.Join(dir, "pipe"), filepath.Join(dir, "large")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Skip("no named pipes here; run it on Unix:", err)
	}
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxCache+1); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{pipe, large} {
		if _, err := readText(path); err == nil {
			t.Errorf("%s was read", filepath.Base(path))
		}
	}
}
