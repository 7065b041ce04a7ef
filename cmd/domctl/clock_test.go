package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// TestWhoGoesByTheSandboxsClock: a deployment on a sandbox alone, and no controller.
func TestWhoGoesByTheSandboxsClock(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, filepath.FromSlash(sandboxFile))
	err := os.MkdirAll(filepath.Dir(file), 0o777)
	if err == nil {
		err = os.WriteFile(file, []byte(`{"aws": {"account": "1", "region": "r"}}`), 0o666)
	}
	if err != nil {
		t.Fatal(err)
	}
	world, err := sandbox.Open(file, sandbox.Options{})
	if err != nil {
		t.Fatal(err)
	}
	of := func(world string, b *bound) *deployment {
		return &deployment{dir: dir, compiled: compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{World: world}}}, bound: b}
	}
	serve := &bound{Deployment: config.Deployment{Sandbox: file}}
	if err := of("sandbox", serve).wireSandbox(&wiring{}); err != nil {
		t.Errorf("a controller refuses a sandbox that goes by the wall: %v", err)
	}
	if err := world.SetClock(t.Context(), 600, 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	tomorrow := func(d *deployment) bool { return time.Until(d.clock().Now()) > 12*time.Hour }
	if !tomorrow(of("sandbox", nil)) || tomorrow(of("", nil)) || tomorrow(of("live", nil)) {
		t.Error("the clock of the sandbox is a live deployment's, or not the sandbox's own")
	}
	err = of("sandbox", serve).wireSandbox(&wiring{})
	if err == nil || !strings.Contains(err.Error(), "a controller goes by the wall; domctl sandbox reset takes it away") {
		t.Errorf("a controller takes a clock of the sandbox's own: %v", err)
	}
	if err := os.WriteFile(file, []byte(`{`), 0o666); err != nil {
		t.Fatal(err)
	}
	if tomorrow(of("sandbox", nil)) {
		t.Error("records need the sandbox")
	}
}
