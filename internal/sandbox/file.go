package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// stamp tells whether a file is still the one that was parsed.
type stamp struct {
	modified time.Time
	size     int64
	inode    uint64
}

func stampOf(info fs.FileInfo) stamp {
	return stamp{info.ModTime(), info.Size(), inode(info)}
}

// fileBacking keeps the state in one file, which others may write too.
type fileBacking struct {
	path string

	mu    sync.Mutex
	stamp stamp
	count int
	history
}

// followed is what a link leads to, which is what is read and written: a link
// stays one.
func followed(path string) string {
	if info, err := os.Lstat(path); err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return path
	}
	target, err := filepath.EvalSymlinks(path)
	if err != nil {
		return path
	}
	return target
}

func (b *fileBacking) parses() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.count
}

func (b *fileBacking) before(n int) *state {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.history.before(n)
}

func (b *fileBacking) load() (*state, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.current()
}

// current parses the file unless it is the one parsed last.
func (b *fileBacking) current() (*state, error) {
	info, err := os.Stat(b.path)
	if err != nil {
		return nil, b.missing(err)
	}
	if b.latest != nil && stampOf(info) == b.stamp {
		return b.latest, nil
	}
	f, err := os.Open(b.path)
	if err != nil {
		return nil, b.missing(err)
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	var content strings.Builder
	content.Grow(int(info.Size()))
	if _, err := io.Copy(&content, f); err != nil {
		return nil, err
	}
	s, err := decode(b.path, content.String())
	if err != nil {
		return nil, err
	}
	b.count++
	b.set(s)
	b.stamp = stampOf(info)
	return s, nil
}

func (b *fileBacking) missing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no sandbox in %s; domctl sandbox reset makes one: %w", b.path, err)
	}
	return err
}

func (b *fileBacking) update(ctx context.Context, f func(*state) (*state, error)) error {
	unlock, err := lock(ctx, b.path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	b.mu.Lock()
	defer b.mu.Unlock()
	s, err := b.current()
	if err != nil {
		return err
	}
	next, err := f(s)
	if err != nil || next == nil {
		return err
	}
	if b.stamp, err = replace(b.path, next.encode()); err != nil {
		return err
	}
	b.push(next)
	return nil
}

// replace puts content in place of the file: written beside it, synced, renamed.
// The caller holds the lock, so that what a killed writer left is overwritten.
func replace(path string, content []byte) (s stamp, err error) {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return s, err
	}
	defer f.Close()
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err != nil {
		return s, err
	}
	info, err := f.Stat()
	if err != nil {
		return s, err
	}
	return stampOf(info), os.Rename(f.Name(), path)
}

// lock waits for the file lock that every process writing the sandbox takes.
// The wait itself cannot be broken off, so when ctx ends first the lock is let
// go as soon as it comes.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	got := make(chan error, 1)
	go func() { got <- flock(f) }()
	select {
	case err := <-got:
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("lock %s: %w", path, err)
		}
		return func() { f.Close() }, nil
	case <-ctx.Done():
		go func() { <-got; f.Close() }()
		return nil, fmt.Errorf("lock %s: %w", path, ctx.Err())
	}
}
