package git

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/sync/errgroup"
)

// Limits bound what is written of a tree; the zero value is DefaultLimits.
type Limits struct {
	Files int   // files, folders and links
	Bytes int64 // of all contents that are written
	File  int64 // of one content: a larger file is written as a hole of its size
	Depth int   // of folders
}

// DefaultLimits are far above what people write, and what a machine of CI can hold.
// No file above 16 MiB is ever compiled, so none is written out.
var DefaultLimits = Limits{Files: 100_000, Bytes: 1 << 30, File: 16 << 20, Depth: 64}

// Written says what a folder lacks of the tree that was written into it.
type Written struct {
	// Pointers are the files that hold a pointer of git-lfs instead of what it leads
	// to, slash-separated and sorted.
	Pointers []string
}

// Write puts a commit's files, those below a folder of it ("." for all), where they
// stand in the tree below dest, which must be a folder of the caller's own in which nothing stands there yet.
// ErrNotFound: the commit has no such folder. Contents are those of the objects: no
// filter of .gitattributes runs, nothing is fetched. Links are written only where
// they lead to a place in the tree, any other leads to nothing; a submodule is a
// folder that holds only .git, as one that is another repository's. Beyond a limit,
// and for a name that no file may have, it ends with an error.
func (r *Repository) Write(ctx context.Context, commit, under, dest string, l Limits) (Written, error) {
	if l == (Limits{}) {
		l = DefaultLimits
	}
	t, err := r.tree(commit, under)
	if err != nil {
		return Written{}, fmt.Errorf("commit %.12s: %w", commit, err)
	}
	root, err := os.OpenRoot(dest)
	if err != nil {
		return Written{}, err
	}
	defer root.Close()
	w := writer{r: r, root: root, limits: l, left: l}
	if under != "." {
		if err := root.MkdirAll(filepath.FromSlash(under), 0o700); err != nil {
			return Written{}, err
		}
	}
	if err := w.run(ctx, t, under); err != nil {
		return Written{}, fmt.Errorf("commit %.12s: %w", commit, err)
	}
	slices.Sort(w.written.Pointers)
	return w.written, nil
}

type writer struct {
	r            *Repository
	root         *os.Root
	limits, left Limits
	written      Written
	files        *errgroup.Group
}

// run reads objects one after the other, as go-git can, and writes side by side.
func (w *writer) run(ctx context.Context, t *object.Tree, under string) error {
	files, within := errgroup.WithContext(ctx)
	files.SetLimit(2 * runtime.GOMAXPROCS(0))
	w.files = files
	err := w.folder(within, t, under)
	if failed := files.Wait(); failed != nil && (err == nil || errors.Is(err, context.Canceled)) {
		err = failed
	}
	return err
}

func (w *writer) folder(ctx context.Context, t *object.Tree, at string) error {
	if depth := strings.Count(at, "/") + 1; depth > w.limits.Depth {
		return fmt.Errorf("%s: folders within each other deeper than %d are not read", at, w.limits.Depth)
	}
	for _, e := range t.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		name := path.Join(at, e.Name)
		if !nameable(e.Name) {
			return fmt.Errorf("%q is no name that a file may have", name)
		}
		if w.left.Files--; w.left.Files < 0 {
			return fmt.Errorf("the tree holds more than %d files; keep deployments in a folder with a cue.mod of its own", w.limits.Files)
		}
		if err := w.entry(ctx, e, name); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// nameable refuses names that git refuses too: a folder's own, and those that git
// would take for its repository.
func nameable(name string) bool {
	return name != "" && name != "." && name != ".." && !strings.ContainsAny(name, "/\x00") && !strings.EqualFold(name, ".git")
}

func (w *writer) entry(ctx context.Context, e object.TreeEntry, name string) error {
	file := filepath.FromSlash(name)
	switch e.Mode {
	case filemode.Dir:
		if err := w.root.Mkdir(file, 0o700); err != nil {
			return err
		}
		t, err := w.r.repo.TreeObject(e.Hash)
		if err != nil {
			return w.r.missing(err)
		}
		return w.folder(ctx, t, name)
	case filemode.Submodule:
		if err := w.root.Mkdir(file, 0o700); err != nil {
			return err
		}
		return w.root.WriteFile(filepath.Join(file, dotGit), nil, 0o600)
	case filemode.Symlink:
		text, err := w.content(e.Hash)
		if err != nil {
			return err
		}
		return w.root.Symlink(leads(name, string(text)), file)
	case filemode.Regular, filemode.Deprecated, filemode.Executable:
		return w.file(e, name)
	}
	return fmt.Errorf("mode %s is none of a file", e.Mode)
}

const dotGit = ".git"

// nowhere is what a link leads to that leads out of the tree. The compiler follows
// none, and tells of this one as of that in a work tree.
const nowhere = "/dev/null/outside"

// leads is where a link leads within the tree, written so that it goes up first and
// then only down: whatever other links it passes, it stays inside.
func leads(name, target string) string {
	to := path.Join(path.Dir(name), target)
	if path.IsAbs(target) || !fs.ValidPath(to) {
		return nowhere
	}
	rel, err := filepath.Rel(filepath.FromSlash(path.Dir(name)), filepath.FromSlash(to))
	if err != nil {
		return nowhere
	}
	return rel
}

func (w *writer) file(e object.TreeEntry, name string) error {
	size, err := w.r.repo.Storer.EncodedObjectSize(e.Hash)
	if err != nil {
		return w.r.missing(err)
	}
	mode := os.FileMode(0o600)
	if e.Mode == filemode.Executable {
		mode = 0o700
	}
	if size > w.limits.File {
		return w.make(name, mode, func(f *os.File) error { return f.Truncate(size) })
	}
	if w.left.Bytes -= size; w.left.Bytes < 0 {
		return fmt.Errorf("the tree holds more than %d MiB; keep deployments in a folder with a cue.mod of its own", w.limits.Bytes>>20)
	}
	text, err := w.content(e.Hash)
	if err != nil {
		return err
	}
	if isPointer(text) {
		w.written.Pointers = append(w.written.Pointers, name)
	}
	w.files.Go(func() error {
		return w.make(name, mode, func(f *os.File) error { _, err := f.Write(text); return err })
	})
	return nil
}

// make makes a file that was not there: a tree may hold a link of its name as well.
func (w *writer) make(name string, mode os.FileMode, fill func(*os.File) error) error {
	f, err := w.root.OpenFile(filepath.FromSlash(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	return errors.Join(fill(f), f.Close())
}

// content reads an object, no more of it than a file may have.
func (w *writer) content(h plumbing.Hash) ([]byte, error) {
	size, err := w.r.repo.Storer.EncodedObjectSize(h)
	if err != nil {
		return nil, w.r.missing(err)
	}
	if size > w.limits.File {
		return nil, fmt.Errorf("%d bytes, at most %d are read", size, w.limits.File)
	}
	blob, err := w.r.repo.BlobObject(h)
	if err != nil {
		return nil, w.r.missing(err)
	}
	f, err := blob.Reader()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, size+1))
	if err == nil && int64(len(text)) != size {
		err = fmt.Errorf("object %s is not of the %d bytes that it states", h, size)
	}
	return text, err
}

// isPointer says that a file is one of git-lfs' pointers, as its specification has
// them: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md.
func isPointer(text []byte) bool {
	return len(text) < 1024 && bytes.HasPrefix(text, []byte("version https://git-lfs.github.com/spec/v1\n"))
}

// Pointer reads what a pointer of git-lfs leads to: the SHA-256 of a file in
// hexadecimal digits, and its size in bytes. For what is none it answers "".
func Pointer(name string) (oid string, size int64) {
	text, err := os.ReadFile(name)
	if err != nil || !isPointer(text) {
		return "", 0
	}
	for line := range strings.Lines(string(text)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		switch key {
		case "oid":
			oid, _ = strings.CutPrefix(value, "sha256:")
		case "size":
			size, _ = strconv.ParseInt(value, 10, 64)
		}
	}
	return oid, size
}
