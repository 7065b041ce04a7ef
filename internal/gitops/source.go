package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"domctl.dev/internal/git"
)

// Source is where a deployment's commits come from.
type Source interface {
	// Head is the commit that a branch stands on at this moment; git.ErrNoBranch.
	Head(ctx context.Context, branch string) (commit string, err error)
	// Tree gives a commit's files, those of the deployment's CUE module, which nobody may
	// change, until back is called; git.ErrGone.
	Tree(ctx context.Context, commit string) (t Tree, back func(), err error)
	// Line answers the commits after one up to another, newest first, of a branch's own
	// line; whole is false where they are too many, or the first is not on it. git.ErrGone.
	Line(ctx context.Context, from, to string, most int) (commits []string, whole bool, err error)
	// Differ are the files that two commits do not hold alike; git.ErrGone.
	Differ(ctx context.Context, one, two string) ([]string, error)
}

// Tree is a commit's files in a folder.
type Tree struct {
	Dir, Commit string
	git.Written
}

// Clone is a mirror of a repository, for all its deployments: one at a time reads it
// or brings it up to date.
type Clone struct {
	// Remote is asked for before each fetch, so that new credentials count at once.
	Remote func() (git.Remote, error)
	Dir    string
	// Room is a folder in which files are written that several read.
	Room string
	// MostWrite is how long others wait for the mirror while the files of a commit are
	// written; zero: two minutes.
	MostWrite time.Duration
	// Now is the time, of which nil has none pass.
	Now func() time.Time

	shelf shelf
	one   sync.Once
	busy  chan struct{} // held by who reads or fetches
	count sync.Mutex
	heads map[string]*fetched
}

// room is where trees are written that several read; of who named none, beside the
// mirror.
func (c *Clone) room() string { return cmp.Or(c.Room, filepath.Dir(c.Dir)) }

func (c *Clone) now() time.Time {
	if c.Now == nil {
		return time.Time{}
	}
	return c.Now()
}

// take waits for the mirror; whoever got it calls free.
func (c *Clone) take(ctx context.Context) (free func(), err error) {
	c.one.Do(func() { c.busy = make(chan struct{}, 1) })
	select {
	case c.busy <- struct{}{}:
		return func() { <-c.busy }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// fetched is what the last fetch of a branch found, and how many there were.
type fetched struct {
	begun  int
	commit string
	err    error
	ended  bool // by who asked, which tells the others nothing
}

// Head fetches the branch. Of those who wait for it meanwhile, one fetches again for
// all of them, also where that fails: a repository that hangs does so once.
func (c *Clone) Head(ctx context.Context, branch string) (string, error) {
	f, asked := c.ask(branch)
	free, err := c.take(ctx)
	if err != nil {
		return "", err
	}
	defer free()
	if f.begun > asked && !f.ended { // and that began after this was asked
		return f.commit, f.err
	}
	c.count.Lock()
	f.begun++
	c.count.Unlock()
	f.commit, f.err = c.fetch(ctx, branch)
	f.ended = ctx.Err() != nil
	return f.commit, f.err
}

// ask answers how many fetches of a branch have begun.
func (c *Clone) ask(branch string) (f *fetched, begun int) {
	c.count.Lock()
	defer c.count.Unlock()
	if c.heads == nil {
		c.heads = map[string]*fetched{}
	}
	if f = c.heads[branch]; f == nil {
		f = &fetched{}
		c.heads[branch] = f
	}
	return f, f.begun
}

func (c *Clone) fetch(ctx context.Context, branch string) (string, error) {
	remote, err := c.Remote()
	if err != nil {
		return "", err
	}
	r, err := remote.Fetch(ctx, c.Dir, branch)
	if err != nil {
		return "", err
	}
	return r.Commit("refs/heads/" + branch)
}

// Heads is git.Remote's. It does not wait for the mirror.
func (c *Clone) Heads(ctx context.Context) (map[string]string, error) {
	remote, err := c.Remote()
	if err != nil {
		return nil, err
	}
	return remote.Heads(ctx)
}

// Of is the source of the deployment in a folder of the tree.
func (c *Clone) Of(dir string) Source { return ofFolder{c, path.Clean(dir)} }

// ofFolder is a mirror as one deployment reads it: what lies beside its module counts
// neither in a pull request nor here.
type ofFolder struct {
	*Clone
	dir string
}

// Tree reads the mirror alone. What several deployments read of one commit is written
// once.
func (p ofFolder) Tree(ctx context.Context, commit string) (t Tree, back func(), err error) {
	free, err := p.take(ctx)
	if err != nil {
		return t, func() {}, err
	}
	defer free()
	r, err := git.Open(p.Clone.Dir)
	if errors.Is(err, git.ErrNone) { // as in the new folder of another replica
		err = fmt.Errorf("%w: %w", git.ErrGone, err)
	}
	if err != nil {
		return t, func() {}, err
	}
	under, there, err := r.Above(commit, p.dir, "cue.mod")
	if err != nil {
		return t, func() {}, err
	}
	if !there {
		under = p.dir
	}
	return p.shelf.take(p.now(), commit+"\x00"+under, p.room(), func(dir string) (Tree, error) {
		return p.written(ctx, r, commit, []string{under}, dir)
	})
}

// Line is Source's.
func (c *Clone) Line(ctx context.Context, from, to string, most int) (commits []string, whole bool, err error) {
	free, err := c.take(ctx)
	if err != nil {
		return nil, false, err
	}
	defer free()
	r, err := git.Open(c.Dir)
	if err != nil {
		return nil, false, err
	}
	return r.Line(ctx, from, to, most)
}

const mostWrite = 2 * time.Minute

// written writes folders of a commit, as far as it has them.
func (c *Clone) written(ctx context.Context, r *git.Repository, commit string, folders []string, to string) (t Tree, err error) {
	most := cmp.Or(c.MostWrite, mostWrite)
	within, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	t = Tree{Dir: to, Commit: commit}
	for _, under := range folders {
		w, err := r.Write(within, commit, under, to, git.Limits{})
		switch {
		case err != nil && within.Err() != nil && ctx.Err() == nil:
			return t, git.Unreadable{Why: fmt.Sprintf("its files are not written within %s", most)}
		case err != nil && !errors.Is(err, git.ErrNotFound):
			return t, err
		}
		t.Pointers = append(t.Pointers, w.Pointers...)
	}
	slices.Sort(t.Pointers)
	return t, nil
}
