// Package git reads git repositories, and is the only importer of go-git: what a
// commit holds is written into a folder of the caller's own. It never writes to a
// repository but to mirrors of its own, and Remote alone touches the network.
package git

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"

	"github.com/go-git/go-git/v5"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/object"
	"golang.org/x/sync/errgroup"
)

// Head answers the commit that a folder's repository stands on, and whether any
// of the files differs from it. Files are relative to the folder. Without a
// repository, or before its first commit, the commit is empty.
func Head(dir string, files []string) (commit string, dirty bool, err error) {
	repo, err := git.PlainOpenWithOptions(dir, &git.PlainOpenOptions{DetectDotGit: true, EnableDotGitCommonDir: true})
	if errors.Is(err, git.ErrRepositoryNotExists) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("git: %w", err)
	}
	head, err := repo.Head()
	if errors.Is(err, plumbing.ErrReferenceNotFound) {
		return "", true, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("git: %w", err)
	}
	dirty, err = differs(repo, head.Hash(), dir, files)
	if err != nil {
		return "", false, fmt.Errorf("git: %w", err)
	}
	return head.Hash().String(), dirty, nil
}

// differs compares only the files that count, by blob: a status of the whole
// tree reads everything in it.
func differs(repo *git.Repository, hash plumbing.Hash, dir string, files []string) (bool, error) {
	commit, err := repo.CommitObject(hash)
	if err != nil {
		return false, err
	}
	tree, err := commit.Tree()
	if err != nil {
		return false, err
	}
	work, err := repo.Worktree()
	if err != nil {
		return false, err
	}
	root, err := filepath.EvalSymlinks(work.Filesystem.Root())
	if err != nil {
		return false, err
	}
	dir, err = filepath.Abs(dir)
	if err == nil {
		dir, err = filepath.EvalSymlinks(dir)
	}
	if err != nil {
		return false, err
	}
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	var differ atomic.Bool
	for _, f := range files {
		file := filepath.Join(dir, filepath.FromSlash(f))
		want, err := blobOf(tree, root, file)
		if err != nil || want.IsZero() || differ.Load() {
			return true, errors.Join(err, group.Wait())
		}
		group.Go(func() error {
			got, err := blobHash(file)
			if got != want {
				differ.Store(true)
			}
			return err
		})
	}
	err = group.Wait()
	return differ.Load(), err
}

// blobOf is what the tree holds of a file; zero: it does not.
func blobOf(tree *object.Tree, root, file string) (plumbing.Hash, error) {
	rel, err := filepath.Rel(root, file)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	entry, err := tree.FindEntry(filepath.ToSlash(rel))
	if errors.Is(err, object.ErrEntryNotFound) || errors.Is(err, object.ErrDirectoryNotFound) {
		return plumbing.ZeroHash, nil
	}
	if err != nil {
		return plumbing.ZeroHash, err
	}
	return entry.Hash, nil
}

func blobHash(file string) (plumbing.Hash, error) {
	f, err := os.Open(file)
	if err != nil {
		return plumbing.ZeroHash, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return plumbing.ZeroHash, err
	}
	h := plumbing.NewHasher(plumbing.BlobObject, info.Size())
	if _, err := io.Copy(h, f); err != nil {
		return plumbing.ZeroHash, err
	}
	return h.Sum(), nil
}
