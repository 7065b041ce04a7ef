package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"domctl.dev/internal/port"
)

// How long a call waits for the folder's lock, and how often it asks. A holder
// keeps it for one small write; only a stopped process keeps it longer.
const (
	lockWait = 30 * time.Second
	lockPoll = 2 * time.Millisecond
)

// exclusive runs do with the folder's lock held, making the folder if need be.
func (f *files) exclusive(ctx context.Context, do func(*os.Root) error) error {
	if err := os.MkdirAll(f.dir, 0o700); err != nil {
		return f.explain("cannot be made, and nothing was written", err)
	}
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return f.busy(ctx)
	}
	return f.locked(ctx, os.O_RDWR|os.O_CREATE, do)
}

// shared runs do while nothing is written, or not at all where there is no folder.
func (f *files) shared(ctx context.Context, do func(*os.Root) error) error {
	ctx, cancel := context.WithTimeout(ctx, lockWait)
	defer cancel()
	return f.locked(ctx, os.O_RDONLY, do)
}

func (f *files) locked(ctx context.Context, flag int, do func(*os.Root) error) error {
	root, err := os.OpenRoot(f.dir)
	if errors.Is(err, fs.ErrNotExist) && flag == os.O_RDONLY {
		return nil
	}
	if err != nil {
		return f.explain("cannot be opened", err)
	}
	defer root.Close()
	lock, err := f.lock(ctx, root, flag)
	if err != nil {
		return err
	}
	defer lock.Close() // which unlocks
	return do(root)
}

// lock opens and locks the lock file, again when it was removed meanwhile. A
// reader of a folder that no writer has locked yet gets none: closing nil is
// harmless.
func (f *files) lock(ctx context.Context, root *os.Root, flag int) (*os.File, error) {
	for {
		lock, err := root.OpenFile(lockFile, flag, 0o600)
		if errors.Is(err, fs.ErrNotExist) && flag == os.O_RDONLY {
			return nil, nil
		}
		if err != nil {
			return nil, f.explain("cannot be locked, and nothing was written", err)
		}
		held, err := hold(root, lock, flag != os.O_RDONLY)
		if held {
			return lock, nil
		}
		lock.Close()
		if err != nil {
			return nil, f.explain("cannot be locked, and nothing was written", err)
		}
		if port.Sleep(ctx, lockPoll) != nil {
			return nil, f.busy(ctx)
		}
	}
}

// hold locks an open lock file that still has its name: one that has lost it
// keeps nobody out.
func hold(root *os.Root, lock *os.File, exclusive bool) (held bool, err error) {
	if got, err := tryLock(lock, exclusive); err != nil || !got {
		return false, err
	}
	named, err := root.Lstat(lockFile)
	if err != nil {
		return false, nil
	}
	mine, err := lock.Stat()
	return err == nil && os.SameFile(named, mine), err
}

func (f *files) busy(ctx context.Context) error {
	return fmt.Errorf("state folder %s is being written by another process, and nothing was written: "+
		"look for a stopped domctl: %w", f.dir, ctx.Err())
}
