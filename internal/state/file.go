package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"domctl.dev/applier"
)

// The store's own files; no key's file begins with a dot.
const (
	lockFile  = ".lock"
	writeFile = ".writing"
)

// File keeps every key in a file of its own below dir, which the first write
// makes (0700). Writers of all processes on the machine take turns through
// flock; a record is synced before it gets its name, so that a reader sees the
// old body or the new one, whatever dies. An error that says "nothing was
// written" is sure of it; after any other, read.
func File(dir string) applier.Store {
	return &files{dir: dir, turn: make(chan struct{}, 1), create: createFile, sync: syncFolder}
}

type files struct {
	dir    string
	turn   chan struct{} // one writer of this process at a time: flock is for the others
	create func(root *os.Root, name string) (handle, error)
	sync   func(root *os.Root, dir string) error // makes the names in a folder durable
}

// handle is a file being written.
type handle interface {
	io.WriteCloser
	Sync() error
}

func createFile(root *os.Root, name string) (handle, error) {
	return root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
}

func (f *files) Get(ctx context.Context, key string) ([]byte, string, error) {
	if err := begin(ctx, key); err != nil {
		return nil, "", err
	}
	root, err := os.OpenRoot(f.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("state key %q: %w", key, applier.ErrNoKey)
	}
	if err != nil {
		return nil, "", f.explain("cannot be read", err)
	}
	defer root.Close()
	r, err := f.read(root, key)
	if err != nil {
		return nil, "", err
	}
	return r.body, r.etag(), nil
}

func (f *files) PutIfNone(ctx context.Context, key string, body []byte) (etag string, err error) {
	return f.put(ctx, key, body, linkFile, func(_ record, found error) error {
		if found == nil || errors.Is(found, ErrCorrupt) {
			return fmt.Errorf("state key %q: %w", key, applier.ErrExists)
		}
		return found
	})
}

func (f *files) PutIfMatch(ctx context.Context, key string, body []byte, etag string) (newETag string, err error) {
	return f.put(ctx, key, body, (*os.Root).Rename, func(was record, found error) error {
		if errors.Is(found, applier.ErrNoKey) || found == nil && was.etag() != etag {
			return fmt.Errorf("state key %q: %w", key, applier.ErrMoved)
		}
		return found
	})
}

// place gives a finished file its name.
type place func(root *os.Root, from, to string) error

// linkFile fails when the name is taken, even where flock is not honoured. File
// systems without hard links rely on the lock alone.
func linkFile(root *os.Root, from, to string) error {
	err := root.Link(from, to)
	if errors.Is(err, syscall.EPERM) || errors.Is(err, errors.ErrUnsupported) {
		return root.Rename(from, to)
	}
	if errors.Is(err, fs.ErrExist) {
		return applier.ErrExists
	}
	return err
}

// put writes body when may agrees to what stands there; it agrees to an absent
// key by returning the ErrNoKey it was given.
func (f *files) put(ctx context.Context, key string, body []byte, name place, may func(was record, found error) error) (etag string, err error) {
	if err := begin(ctx, key); err != nil {
		return "", err
	}
	if len(body) > MaxBody {
		return "", fmt.Errorf("state key %q: %d bytes are more than %d; nothing was written", key, len(body), MaxBody)
	}
	err = f.exclusive(ctx, func(root *os.Root) error {
		if err := may(f.read(root, key)); err != nil && !errors.Is(err, applier.ErrNoKey) {
			return err
		}
		r := newRecord(key, body)
		etag = r.etag()
		return f.write(root, r, name)
	})
	if err != nil {
		return "", err
	}
	return etag, nil
}

func (f *files) Delete(ctx context.Context, key string) error {
	if err := begin(ctx, key); err != nil {
		return err
	}
	if _, err := os.Stat(f.dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return f.exclusive(ctx, func(root *os.Root) error {
		name := fileName(key)
		err := root.Remove(name)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			err = f.sync(root, path.Dir(name))
		}
		return f.explain("cannot be written", err)
	})
}

func (f *files) List(ctx context.Context, prefix string) (keys []string, err error) {
	if err := errors.Join(ctx.Err(), checkPrefix(prefix)); err != nil {
		return nil, err
	}
	err = f.shared(ctx, func(root *os.Root) error {
		keys, err = walk(root, prefix)
		return f.explain("cannot be listed", err)
	})
	if err != nil && !errors.Is(err, applier.ErrForeign) {
		return nil, err
	}
	slices.Sort(keys)
	return keys, err
}

// walk lists the keys below prefix in no order. What the store did not write is
// an error: a list that skips it might be a part.
func walk(root *os.Root, prefix string) (keys []string, err error) {
	var foreign []error
	start := path.Clean(folderName(prefix[:strings.LastIndex(prefix, "/")+1]))
	err = fs.WalkDir(root.FS(), start, func(name string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && name == start:
			return fs.SkipAll
		case err != nil:
			return err
		case d.IsDir() || name == lockFile || name == writeFile:
			return nil
		}
		key, ok := keyOf(name)
		if !ok || !d.Type().IsRegular() {
			foreign = append(foreign, fmt.Errorf("%s %w: move it elsewhere", name, applier.ErrForeign))
		} else if strings.HasPrefix(key, prefix) {
			keys = append(keys, key)
		}
		return nil
	})
	return keys, errors.Join(append(foreign, err)...)
}

func (f *files) read(root *os.Root, key string) (r record, err error) {
	name := fileName(key)
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return r, fmt.Errorf("state key %q: %w", key, applier.ErrNoKey)
	case err != nil:
		return r, f.explain("cannot be read", err)
	case !info.Mode().IsRegular() || info.Size() > MaxBody+MaxKey*8:
		return r, fmt.Errorf("state key %q: %w: %s is a link, a folder or too large", key, ErrCorrupt, filepath.Join(f.dir, name))
	}
	b, err := root.ReadFile(name)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return r, fmt.Errorf("state key %q: %w", key, applier.ErrNoKey)
		}
		return r, f.explain("cannot be read", err)
	}
	if r, err = decodeRecord(key, b); err != nil {
		return r, fmt.Errorf("state key %q in %s: %w", key, filepath.Join(f.dir, name), err)
	}
	return r, nil
}

// write gives r its name after its bytes are on disk. The leftover of a writer
// that died goes first: it may be a second name of a record.
func (f *files) write(root *os.Root, r record, put place) error {
	name := fileName(r.Key)
	err := root.Remove(writeFile)
	if errors.Is(err, fs.ErrNotExist) {
		err = nil
	}
	if err == nil {
		err = f.makeFolders(root, path.Dir(name))
	}
	if err == nil {
		err = f.fill(root, r.encode())
	}
	if err == nil {
		err = put(root, writeFile, name)
	}
	if err != nil {
		return f.explain("cannot be written, and this record was not", err)
	}
	return f.explain("may have lost the last write", f.sync(root, path.Dir(name)))
}

func (f *files) fill(root *os.Root, b []byte) error {
	h, err := f.create(root, writeFile)
	if err != nil {
		return err
	}
	_, err = h.Write(b)
	if err == nil {
		err = h.Sync()
	}
	return errors.Join(err, h.Close())
}

// makeFolders makes each missing folder of dir and syncs the one it stands in.
func (f *files) makeFolders(root *os.Root, dir string) error {
	if dir == "." {
		return nil
	}
	if err := f.makeFolders(root, path.Dir(dir)); err != nil {
		return err
	}
	err := root.Mkdir(dir, 0o700)
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return f.sync(root, path.Dir(dir))
}

func syncFolder(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// begin refuses a call that is over before it starts.
func begin(ctx context.Context, key string) error {
	if err := CheckKey(key); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("state key %q: nothing was read or written: %w", key, err)
	}
	return nil
}

// explain names the folder and says what a person can do; nil stays nil.
func (f *files) explain(what string, err error) error {
	advice := ""
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		advice = "the disk is full: free some space: "
	case errors.Is(err, syscall.EROFS):
		advice = "it is on a read-only file system: mount it writable or choose another state folder: "
	case errors.Is(err, fs.ErrPermission):
		advice = "this user may not: check its owner and mode: "
	}
	return fmt.Errorf("state folder %s %s: %s%w", f.dir, what, advice, err)
}
