package state

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"unicode/utf8"

	"domctl.dev/applier"
	"domctl.dev/internal/state/statetest"
)

func TestFileContract(t *testing.T) {
	statetest.Run(t, 120, func(t *testing.T) applier.Store { return File(filepath.Join(t.TempDir(), "state")) })
}

func TestMemoryContract(t *testing.T) {
	statetest.Run(t, 1200, func(*testing.T) applier.Store { return Memory() })
}

func TestEtagChangesWithEqualBytes(t *testing.T) {
	for name, s := range map[string]applier.Store{"file": File(t.TempDir()), "memory": Memory()} {
		seen := map[string]bool{}
		etag, err := s.PutIfNone(t.Context(), "k", []byte("same"))
		for range 3 {
			if err != nil || seen[etag] {
				t.Fatalf("%s: etag %q again, or %v", name, etag, err)
			}
			seen[etag] = true
			etag, err = s.PutIfMatch(t.Context(), "k", []byte("same"), etag)
		}
		if err := s.Delete(t.Context(), "k"); err != nil {
			t.Fatal(err)
		}
		if etag, err = s.PutIfNone(t.Context(), "k", []byte("same")); err != nil || seen[etag] {
			t.Fatalf("%s: etag %q after a delete, or %v", name, etag, err)
		}
	}
}

// TestMain lets the test binary be the other process of a test: one that counts
// so far, or until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("DOMCTL_TEST_STATE"); dir != "" {
		err := incrementMany(File(dir))
		for err == nil && os.Getenv("DOMCTL_TEST_FOREVER") != "" {
			err = incrementMany(File(dir))
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

const perProcess = 40

func incrementMany(s applier.Store) error {
	errs := make([]error, 4)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			for range perProcess / len(errs) {
				errs[i] = errors.Join(errs[i], statetest.Increment(context.Background(), s, "count"))
			}
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// otherProcess starts counting in dir.
func otherProcess(t *testing.T, dir string, env ...string) *exec.Cmd {
	t.Helper()
	other := exec.CommandContext(t.Context(), os.Args[0])
	other.Env = append(append(os.Environ(), "DOMCTL_TEST_STATE="+dir), env...)
	other.Stderr = os.Stderr
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	return other
}

// TestAKilledWriterLeavesAWholeRecord kills a process again and again while it
// writes as fast as it can.
func TestAKilledWriterLeavesAWholeRecord(t *testing.T) {
	dir := t.TempDir()
	s := File(dir)
	if _, err := s.PutIfNone(t.Context(), "count", []byte("0")); err != nil {
		t.Fatal(err)
	}
	read := func() int {
		body, _, err := s.Get(t.Context(), "count")
		n, convErr := strconv.Atoi(string(body))
		if err := errors.Join(err, convErr); err != nil {
			t.Fatal(err)
		}
		return n
	}
	for range 5 {
		other := otherProcess(t, dir, "DOMCTL_TEST_FOREVER=1")
		for begun := read(); read() < begun+7; {
		}
		if err := other.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = other.Wait() // killed
		left := read()
		if err := statetest.Increment(t.Context(), s, "count"); err != nil || read() != left+1 {
			t.Fatalf("after a kill at %d: %d, %v", left, read(), err)
		}
		if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 {
			t.Fatalf("after a kill: %q, %v", keys, err)
		}
	}
}

func TestTwoProcesses(t *testing.T) {
	dir := t.TempDir()
	s := File(dir)
	if _, err := s.PutIfNone(t.Context(), "count", []byte("0")); err != nil {
		t.Fatal(err)
	}
	other := otherProcess(t, dir)
	err := incrementMany(s)
	if err := errors.Join(err, other.Wait()); err != nil {
		t.Fatal(err)
	}
	body, _, err := s.Get(t.Context(), "count")
	if err != nil || string(body) != fmt.Sprint(2*perProcess) {
		t.Fatalf("count is %s, %v; want %d", body, err, 2*perProcess)
	}
}

// failing is a file whose disk fails.
type failing struct {
	handle
	after int // bytes
	write error
	sync  error
}

func (f *failing) Write(b []byte) (int, error) {
	if f.write == nil {
		return f.handle.Write(b)
	}
	n, _ := f.handle.Write(b[:min(f.after, len(b))])
	return n, f.write
}

func (f *failing) Sync() error { return errors.Join(f.sync, f.handle.Sync()) }

func TestAFailingDiskKeepsTheOldBody(t *testing.T) {
	for name, bad := range map[string]failing{
		"the disk is full":      {write: syscall.ENOSPC, after: 10},
		"read-only file system": {write: syscall.EROFS},
		"input/output error":    {sync: syscall.EIO},
		"check its owner":       {write: syscall.EACCES},
		"disk quota exceeded":   {write: syscall.EDQUOT, after: 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := File(t.TempDir()).(*files)
			etag, err := s.PutIfNone(t.Context(), "k", []byte("old"))
			if err != nil {
				t.Fatal(err)
			}
			s.create = func(root *os.Root, name string) (handle, error) {
				h, err := createFile(root, name)
				return &failing{handle: h, write: bad.write, after: bad.after, sync: bad.sync}, err
			}
			_, err = s.PutIfMatch(t.Context(), "k", []byte("new"), etag)
			_, noneErr := s.PutIfNone(t.Context(), "other", []byte("new"))
			for _, err := range []error{err, noneErr} {
				if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "this record was not") {
					t.Fatalf("the message is %v", err)
				}
			}
			s.create = createFile
			body, same, err := s.Get(t.Context(), "k")
			if err != nil || string(body) != "old" || same != etag {
				t.Fatalf("after a failed write: %q, %v", body, err)
			}
			if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 {
				t.Fatalf("after a failed write: %q, %v", keys, err)
			}
			if _, err := s.PutIfMatch(t.Context(), "k", []byte("new"), etag); err != nil {
				t.Fatalf("the disk works again: %v", err)
			}
		})
	}
}

func TestAStateFolderThatCannotBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := File(filepath.Join(file, "state"))
	_, err := s.PutIfNone(t.Context(), "k", nil)
	if err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Fatalf("the message is %v", err)
	}
	if _, _, err := s.Get(t.Context(), "k"); err == nil || errors.Is(err, applier.ErrNoKey) {
		t.Fatalf("a folder that cannot be read is taken for an empty one: %v", err)
	}
	if _, err := s.List(t.Context(), ""); err == nil {
		t.Fatal("a folder that cannot be read is listed as empty")
	}
}

func TestDamagedRecords(t *testing.T) {
	good := newRecord("k", []byte("the body")).encode()
	for name, bytes := range map[string][]byte{
		"empty":       {},
		"torn header": good[:20],
		"torn body":   good[:len(good)-3],
		"grown":       append(bytes.Clone(good), 'x'),
		"altered":     bytes.Replace(good, []byte("the body"), []byte("thy body"), 1),
		"of another":  newRecord("other", []byte("the body")).encode(),
		"later":       bytes.Replace(good, []byte(`"format":1`), []byte(`"format":2`), 1),
	} {
		dir := t.TempDir()
		s := File(dir)
		etag, err := s.PutIfNone(t.Context(), "k", []byte("the body"))
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "k.record"), bytes, 0o600); err != nil {
			t.Fatal(err)
		}
		_, _, getErr := s.Get(t.Context(), "k")
		_, matchErr := s.PutIfMatch(t.Context(), "k", []byte("next"), etag)
		_, noneErr := s.PutIfNone(t.Context(), "k", []byte("next"))
		if !errors.Is(getErr, ErrCorrupt) || !strings.Contains(getErr.Error(), `"k"`) || !errors.Is(matchErr, ErrCorrupt) || !errors.Is(noneErr, applier.ErrExists) {
			t.Errorf("%s: get %v, put if match %v, put if none %v", name, getErr, matchErr, noneErr)
		}
	}
}

func TestLinksAreNotFollowed(t *testing.T) {
	outside, dir := t.TempDir(), t.TempDir()
	secret := filepath.Join(outside, "k.record")
	if err := os.WriteFile(secret, newRecord("k", []byte("canary")).encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.Symlink(secret, filepath.Join(dir, "k.record")), os.Symlink(outside, filepath.Join(dir, "d"))); err != nil {
		t.Fatal(err)
	}
	s := File(dir)
	for _, key := range []string{"k", "d/k"} {
		body, _, getErr := s.Get(t.Context(), key)
		_, noneErr := s.PutIfNone(t.Context(), key, []byte("x"))
		_, matchErr := s.PutIfMatch(t.Context(), key, []byte("x"), "e")
		if getErr == nil || body != nil || noneErr == nil || matchErr == nil || errors.Is(getErr, applier.ErrNoKey) {
			t.Errorf("%s: %q, %v, %v, %v", key, body, getErr, noneErr, matchErr)
		}
	}
	if keys, err := s.List(t.Context(), ""); err == nil {
		t.Errorf("links are listed as %q", keys)
	}
	if err := s.Delete(t.Context(), "d/k"); err == nil {
		t.Error("a delete follows a link")
	}
	if _, err := os.Stat(secret); err != nil {
		t.Error(err)
	}
}

func TestAStrangersFileFailsTheList(t *testing.T) {
	dir := t.TempDir()
	s := File(dir)
	if _, err := s.PutIfNone(t.Context(), "k", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "notes.txt"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.List(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "notes.txt") {
		t.Fatalf("the message is %v", err)
	}
}

// TestALeftoverDoesNotReachARecord: a writer that died between linking and
// unlinking leaves its temporary file as a second name of the record.
func TestALeftoverDoesNotReachARecord(t *testing.T) {
	dir := t.TempDir()
	s := File(dir)
	if _, err := s.PutIfNone(t.Context(), "k", []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, writeFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	if err := os.Link(filepath.Join(dir, "k.record"), filepath.Join(dir, writeFile)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutIfNone(t.Context(), "other", []byte("longer than the first")); err != nil {
		t.Fatal(err)
	}
	if body, _, err := s.Get(t.Context(), "k"); err != nil || string(body) != "kept" {
		t.Fatalf("%q, %v", body, err)
	}
}

func TestAFolderWithoutItsLockFileIsRead(t *testing.T) {
	dir := t.TempDir()
	s := File(dir)
	if _, err := s.PutIfNone(t.Context(), "k", nil); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, lockFile)); err != nil {
		t.Fatal(err)
	}
	if keys, err := s.List(t.Context(), ""); err != nil || len(keys) != 1 {
		t.Fatalf("%q, %v", keys, err)
	}
}

func TestAHeldLockIsToldAndWritesNothing(t *testing.T) {
	dir := t.TempDir()
	s := File(dir)
	if _, err := s.PutIfNone(t.Context(), "k", nil); err != nil {
		t.Fatal(err)
	}
	held, err := os.Open(filepath.Join(dir, lockFile))
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if got, err := tryLock(held, true); !got || err != nil {
		t.Fatal(got, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*lockPoll)
	defer cancel()
	_, err = s.PutIfNone(ctx, "other", nil)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "another process") {
		t.Fatalf("the message is %v", err)
	}
	if _, _, err := s.Get(t.Context(), "k"); err != nil {
		t.Fatalf("a read waits for a writer: %v", err)
	}
}

func TestMemoryHooks(t *testing.T) {
	m := Memory()
	killed, lost := errors.New("killed"), errors.New("lost")
	m.Before = func(c Call) error {
		if c.N == 1 {
			return killed
		}
		return nil
	}
	m.After = func(c Call) error {
		if c.N == 2 {
			return lost
		}
		return nil
	}
	_, err1 := m.PutIfNone(t.Context(), "k", []byte("1"))
	_, err2 := m.PutIfNone(t.Context(), "k", []byte("2"))
	body, _, err3 := m.Get(t.Context(), "k")
	if !errors.Is(err1, killed) || !errors.Is(err2, lost) || err3 != nil || string(body) != "2" {
		t.Fatalf("%v, %v, %q %v", err1, err2, body, err3)
	}
	calls := m.Calls()
	if len(calls) != 3 || calls[0] != (Call{1, "putIfNone", "k"}) || calls[2] != (Call{3, "get", "k"}) {
		t.Fatalf("calls: %v", calls)
	}
}

func FuzzFileNames(f *testing.F) {
	for _, k := range append(statetest.BadKeys(), "a", "a/b", "a.record/b", "A b/%2E", ".lock") {
		f.Add(k)
	}
	f.Fuzz(func(t *testing.T, key string) {
		if CheckKey(key) != nil {
			return
		}
		name := fileName(key)
		if back, ok := keyOf(name); !ok || back != key {
			t.Fatalf("%q is kept as %q, which reads as %q", key, name, back)
		}
		if !filepath.IsLocal(name) || !fs.ValidPath(name) || strings.HasPrefix(name, ".") || strings.Contains(name, "/.") {
			t.Fatalf("%q is kept as %q", key, name)
		}
		for i := range len(key) {
			if err := checkPrefix(key[:i]); err != nil && utf8.ValidString(key[:i]) {
				t.Fatalf("prefix %q: %v", key[:i], err)
			}
		}
	})
}

func FuzzDecodeRecord(f *testing.F) {
	f.Add(newRecord("k", []byte("body")).encode())
	f.Add([]byte("{}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRecord("k", b)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) {
				t.Fatal(err)
			}
			return
		}
		again, err := decodeRecord("k", r.encode())
		if err != nil || !bytes.Equal(again.body, r.body) {
			t.Fatalf("%v", err)
		}
	})
}
