package state

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestNamesAreMadeDurable: every folder in which a name appears or goes is
// synced, the new folders first, and a failure is not taken for a written record.
func TestNamesAreMadeDurable(t *testing.T) {
	s := File(t.TempDir()).(*files)
	var synced []string
	var bad error
	s.sync = func(root *os.Root, dir string) error {
		synced = append(synced, dir)
		return errors.Join(bad, syncFolder(root, dir))
	}
	took := func(want ...string) {
		t.Helper()
		if !slices.Equal(synced, want) {
			t.Errorf("synced %q; want %q", synced, want)
		}
		synced = nil
	}
	etag, err := s.PutIfNone(t.Context(), "a/b/k", []byte("1"))
	took(".", "a", "a/b")
	_, matchErr := s.PutIfMatch(t.Context(), "a/b/k", []byte("2"), etag)
	took("a/b")
	deleteErr := s.Delete(t.Context(), "a/b/k")
	took("a/b")
	if err := errors.Join(err, matchErr, deleteErr); err != nil {
		t.Fatal(err)
	}
	bad = syscall.EIO
	_, err = s.PutIfNone(t.Context(), "k", nil)
	if !errors.Is(err, bad) || !strings.Contains(err.Error(), "may have lost the last write") {
		t.Errorf("the message is %v", err)
	}
	if _, err := s.PutIfNone(t.Context(), "c/k", nil); !errors.Is(err, bad) || !strings.Contains(err.Error(), "this record was not") {
		t.Errorf("the message is %v", err)
	}
	if err := s.Delete(t.Context(), "k"); !errors.Is(err, bad) {
		t.Errorf("the message is %v", err)
	}
}

// TestAFolderThatCannotBeSynced is told. Linux has nothing to sync of a pipe, and
// says so: EINVAL is proof of the call.
func TestAFolderThatCannotBeSynced(t *testing.T) {
	dir := t.TempDir()
	pipe := filepath.Join(dir, "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	writer, err := os.OpenFile(pipe, os.O_RDWR, 0) // or the other end waits
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	if err := syncFolder(root, "pipe"); !errors.Is(err, syscall.EINVAL) {
		t.Errorf("a pipe: %v", err)
	}
	if err := syncFolder(root, "none"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
	if err := syncFolder(root, "."); err != nil {
		t.Error(err)
	}
}

// TestALockFileThatWasReplaced keeps nobody out, and so is held by nobody.
func TestALockFileThatWasReplaced(t *testing.T) {
	dir := t.TempDir()
	root, err := os.OpenRoot(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	open := func() *os.File {
		lock, err := root.OpenFile(lockFile, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { lock.Close() })
		return lock
	}
	former := open()
	holds := func(lock *os.File, want bool) {
		t.Helper()
		if held, err := hold(root, lock, true); held != want || err != nil {
			t.Errorf("held %v, %v; want %v", held, err, want)
		}
	}
	holds(former, true)
	if err := root.Remove(lockFile); err != nil {
		t.Fatal(err)
	}
	holds(former, false)
	holds(open(), true)
	holds(former, false)
}
