package git

import (
	"context"
	"errors"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// Line are the commits from one, which it ends with, back to another, which it leaves
// out, by first parents: what a branch stood on, the newest first. whole is false where
// the other is not met within so many commits. ErrGone.
func (r *Repository) Line(ctx context.Context, from, to string, most int) (commits []string, whole bool, err error) {
	for at := plumbing.NewHash(to); at.String() != from; {
		if err := ctx.Err(); err != nil || len(commits) == most {
			return commits, false, err
		}
		c, err := r.repo.CommitObject(at)
		if errors.Is(err, plumbing.ErrObjectNotFound) {
			err = fmt.Errorf("%w: %w", ErrGone, r.missing(err))
		}
		if err != nil {
			return nil, false, err
		}
		if commits = append(commits, at.String()); len(c.ParentHashes) == 0 {
			return commits, false, nil
		}
		at = c.ParentHashes[0]
	}
	return commits, true, nil
}
