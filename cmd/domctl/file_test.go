package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	name, link := filepath.Join(dir, "prod.plan"), filepath.Join(dir, "link.plan")
	if err := os.Symlink("prod.plan", link); err != nil {
		t.Fatal(err)
	}
	for _, to := range []string{name, link} {
		if err := replaceFile(to, []byte(to), 0o600); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(name)
		if err != nil || string(text) != to {
			t.Errorf("%s: %q, %v", to, text, err)
		}
		if at, err := os.Lstat(name); err != nil || at.Mode() != 0o600 {
			t.Errorf("%s: mode %v, %v", to, at.Mode(), err)
		}
	}
	if at, err := os.Lstat(link); err != nil || at.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is none any more: %v, %v", at, err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("left: %v", left)
	}
}

// TestReplaceFileFails: what cannot be written whole is not there, and the message
// names what was asked for and nothing else.
func TestReplaceFileFails(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{
		"/dev/full":                        "/dev/full cannot be written: no space left on device",
		filepath.Join(dir, "nowhere", "x"): filepath.Join(dir, "nowhere", "x") + " cannot be written: no such file or directory",
		dir:                                dir + " cannot be written: is a directory",
		filepath.Join(dir, strings.Repeat("x", 300)): filepath.Join(dir, strings.Repeat("x", 300)) + " cannot be written: file name too long",
	} {
		if _, err := os.Stat("/dev/full"); err != nil && name == "/dev/full" {
			continue
		}
		err := replaceFile(name, []byte("text"), 0o600)
		if err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestReplaceInsideAfterAKill: what a killed process left, of whatever id, is in nobody's way;
// in a container each domctl has the same.
func TestReplaceInsideAfterAKill(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf(".domctl-%d.tmp", os.Getpid())), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	top, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer top.Close()
	if err := replaceInside(top, "prod.tfvars", []byte("a = 1\n"), 0o644); err != nil {
		t.Error(err)
	}
}
