package sandbox

import (
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

var rewrite = flag.Bool("update", false, "lay the examples' files out afresh")

// TestExamplesStandAsFormatWritesThem keeps the files that people learn from
// readable, and free of what the sandbox does not know.
func TestExamplesStandAsFormatWritesThem(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../../examples", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "sandbox.json" {
			return err
		}
		seen++
		w, err := Open(path, Options{})
		if err != nil {
			return err
		}
		s, err := w.backing.load()
		if err != nil {
			return err
		}
		want := s.formatted().encode() // as Format, but for what has become of it meanwhile
		if *rewrite {
			return os.WriteFile(path, want, 0o600)
		}
		got, err := os.ReadFile(path)
		if string(got) != string(want) {
			t.Errorf("%s is not as Format writes it; go test ./internal/sandbox -run Examples -update", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 6 {
		t.Errorf("%d examples have a sandbox, want 6 at least", seen)
	}
}
