package git

import (
	"context"
	"errors"
	"path"

	"github.com/go-git/go-git/v5/plumbing/filemode"
	"github.com/go-git/go-git/v5/plumbing/object"
)

// Holding are the folders of a commit that hold a folder of a name: the nearest one
// above a folder, or itself, and where there is none the topmost ones below it.
func (r *Repository) Holding(ctx context.Context, commit, under, name string) ([]string, error) {
	at, there, err := r.Above(commit, under, name)
	if err != nil || there {
		return []string{at}, err
	}
	t, err := r.tree(commit, under)
	if errors.Is(err, ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return r.holding(ctx, t, under, name, 0)
}

// Has says whether a commit has a folder.
func (r *Repository) Has(commit, dir string) (bool, error) {
	switch _, err := r.tree(commit, dir); {
	case errors.Is(err, ErrNotFound):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

func (r *Repository) holding(ctx context.Context, t *object.Tree, at, name string, depth int) (found []string, err error) {
	if err := ctx.Err(); err != nil || depth > DefaultLimits.Depth {
		return nil, err
	}
	for _, e := range t.Entries {
		if e.Mode == filemode.Dir && e.Name == name {
			return []string{at}, nil
		}
	}
	for _, e := range t.Entries {
		if e.Mode != filemode.Dir {
			continue
		}
		below, err := r.repo.TreeObject(e.Hash)
		if err != nil {
			return nil, r.missing(err)
		}
		more, err := r.holding(ctx, below, path.Join(at, e.Name), name, depth+1)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}
