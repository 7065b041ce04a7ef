//go:build unix

package secret

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestFile refuses what could be read without end, or is no secret.
func TestFile(t *testing.T) {
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if err := syscall.Mkfifo(at("pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("pipe", at("link")); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]int64{"large": 2 << 20, "full": maxFile} {
		if err := os.WriteFile(at(name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(at(name), size); err != nil {
			t.Fatal(err)
		}
	}
	r := Resolver{Dir: dir}
	for name, want := range map[string]string{
		"pipe":  "secret file: " + at("pipe") + " is no regular file; keep the secret in one",
		"link":  "secret file: " + at("link") + " is no regular file; keep the secret in one",
		".":     "secret file: " + dir + " is no regular file; keep the secret in one",
		"large": "secret file: " + at("large") + " holds more than 1 MiB; name the file that holds the secret alone",
	} {
		if _, err := r.Text(t.Context(), "file:"+name); err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if s, err := r.Text(t.Context(), "file:full"); err != nil || len(s) != maxFile {
		t.Errorf("a file of 1 MiB: %d bytes, %v", len(s), err)
	}
}
