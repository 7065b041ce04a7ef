package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// TestWorkIsTheControllersAlone: clones, trees and logs are nobody else's to read, also
// where the folder above them is, and what was there before is made so.
func TestWorkIsTheControllersAlone(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders have no modes there: run the tests on a system that has")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "mirrors", "domino"), 0o755); err != nil {
		t.Fatal(err)
	}
	trees, release, err := workIn(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	if trees != filepath.Join(dir, "trees") {
		t.Error(trees)
	}
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range all {
		at, err := e.Info()
		if err != nil || at.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %s, %v", e.Name(), fs.FileMode(at.Mode()), err)
		}
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != "lock logs mirrors pulls trees" {
		t.Errorf("it holds %s", got)
	}
	made, _, err := workIn(filepath.Join(dir, "new", "work"))
	if err != nil {
		t.Fatal(err)
	}
	if at, err := os.Stat(filepath.Dir(made)); err != nil || at.Mode().Perm() != 0o700 {
		t.Error(at.Mode(), err)
	}
}

// TestNoFolderInCI: the records of a live deployment are not left to a job's disk, sealed
// or not.
func TestNoFolderInCI(t *testing.T) {
	t.Setenv("CI", "true")
	t.Setenv(ageIdentity, "AGE-SECRET-KEY-1")
	dir := t.TempDir()
	d := deployment{dir: dir, compiled: compiler.Result{Desired: schema.Desired{Deployment: schema.Deployment{Name: "p", World: "live", State: schema.State{File: "records"}}}}}
	if _, err := d.store(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "DC510: ") {
		t.Error(err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) > 0 {
		t.Error(all, err)
	}
}
