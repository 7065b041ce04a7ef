package secret

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestResolve(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "s"), []byte("canary\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	r := Resolver{Dir: dir, Getenv: func(name string) (string, bool) { return "canary " + name, name == "A" },
		Sources: map[string]Source{"ssm": func(_ context.Context, name string) (string, error) {
			if name == "/there" {
				return "canary", nil
			}
			return "", errors.New("not found")
		}}}
	for ref, want := range map[string]string{"env:A": `"canary A"`, "file:s": `"canary"`, "file:" + filepath.Join(dir, "s"): `"canary"`, "ssm:/there": `"canary"`} {
		if got, err := r.Resolve(t.Context(), ref); err != nil || got.Text != want {
			t.Errorf("%s: %v %v, want %s", ref, got, err, want)
		}
	}
	for ref, want := range map[string]string{
		"env:B": "the environment has no variable B", "file:none": "no such file", "ssm:/none": "secret ssm:/none: not found",
		"secretsManager:x": "cannot be resolved in this world", "odd": "cannot be resolved in this world",
	} {
		if _, err := r.Text(t.Context(), ref); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v, want %s", ref, err, want)
		}
	}
}
