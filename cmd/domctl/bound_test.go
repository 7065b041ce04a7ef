package main

import (
	"io"
	"path/filepath"
	"strings"
	"testing"

	"domctl.dev/internal/gitops/config"
)

// TestOtherDeployments: what was applied to another one is read where the controller's
// configuration binds it, under its own name, and nowhere else.
func TestOtherDeployments(t *testing.T) {
	dir := t.TempDir()
	for name, example := range map[string]string{"prod": "eks", "other": "classic"} {
		at := filepath.Join(dir, name)
		for _, args := range [][]string{{"init", at, "--example", example}, {"apply", at, "--auto-approve"}} {
			if code := run(args, strings.NewReader(""), io.Discard, io.Discard); code != 0 {
				t.Fatalf("%s: exit code %d", args, code)
			}
		}
	}
	bind := func(of string) config.Deployment {
		return config.Deployment{World: "sandbox", State: config.State{File: filepath.Join(dir, of, ".domctl", "state")}}
	}
	b := &bound{bind("prod"), "acme-prod", config.ToPlan, "", map[string]config.Deployment{"acme-prod": bind("prod"), "acme-classic": bind("other"), "swapped": bind("other")}, nil, nil}
	if applied, there, err := b.otherApplied(t.Context(), "acme-classic"); err != nil || !there || len(applied.Entries) == 0 {
		t.Errorf("%v, %d entries, %v", there, len(applied.Entries), err)
	}
	for _, nobody := range []string{"other", "prod", "../other", ""} { // folders that lie there
		if applied, there, err := b.otherApplied(t.Context(), nobody); err != nil || there || len(applied.Entries) > 0 {
			t.Errorf("%q: %v, %+v, %v", nobody, there, applied, err)
		}
	}
	if _, _, err := b.otherApplied(t.Context(), "swapped"); err == nil || !strings.Contains(err.Error(), "DC512") {
		t.Errorf("another one's records: %v", err)
	}
}
