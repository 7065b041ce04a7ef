package engine

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"2026-02-01T10:15:00Z": time.Date(2026, 2, 1, 10, 15, 0, 0, time.UTC),
		"2026-02-01":           time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		"2026-02-01 10:15":     time.Date(2026, 2, 1, 10, 15, 0, 0, time.UTC),
		"90m":                  now.Add(-90 * time.Minute),
		"7d":                   now.AddDate(0, 0, -7),
	} {
		if got, err := ParseTime(text, now); err != nil || !got.Equal(want) {
			t.Errorf("%s: got %v, %v; want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "soon", "2026-13-01", "-5"} {
		if got, err := ParseTime(text, now); err == nil {
			t.Errorf("%q is no time, and was read as %v", text, got)
		}
	}
}

func TestModuleName(t *testing.T) {
	for name, want := range map[string]string{"prod": "prod", "Acme Prod_2": "acmeprod2", "-x-": "x", "生产": ""} {
		if got := moduleName(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// TestLay: a scaffold is laid down whole, or not at all.
func TestLay(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "prod")
	s := Scaffold{Dir: dir, Files: map[string][]byte{"a.cue": []byte("package domino\n\ndeployment: name: \"x\"\n"), "sub/b.txt": []byte("b")}, Deployments: []string{"."}}
	written, err := s.Lay()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range []string{"a.cue", "sub/b.txt", "kinds.cue", ".gitignore", "cue.mod/module.cue", vendorDir} {
		if !slices.Contains(written, f) {
			t.Errorf("it does not say that it wrote %s: %q", f, written)
		}
		if _, err := os.Stat(filepath.Join(dir, f)); err != nil {
			t.Error(err)
		}
	}
	if err := os.Remove(filepath.Join(dir, "sub/b.txt")); err != nil {
		t.Fatal(err)
	}
	var exists *ExistsError
	if _, err := s.Lay(); !errors.As(err, &exists) || len(exists.Files) != 1 {
		t.Errorf("laid down again: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "sub/b.txt")); err == nil {
		t.Error("half of it was written")
	}
}

// TestLayTakesBack: what cannot be laid down whole can be tried again.
func TestLayTakesBack(t *testing.T) {
	dir := t.TempDir()
	in := filepath.Join(dir, "sub")
	if err := os.WriteFile(in, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	s := Scaffold{Dir: dir, Files: map[string][]byte{"a.cue": []byte("package domino\n\ndeployment: name: \"x\"\n"), "sub/b.txt": []byte("b")}, Deployments: []string{"."}}
	if written, err := s.Lay(); err == nil || written != nil {
		t.Errorf("laid down below a file: %q", written)
	}
	if _, err := os.Stat(filepath.Join(dir, "a.cue")); err == nil {
		t.Error("a.cue stays")
	}
	if err := os.Remove(in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Lay(); err != nil {
		t.Errorf("tried again: %v", err)
	}
}
