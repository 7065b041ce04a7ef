package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Proposals is where the commits of pull requests come from.
type Proposals interface {
	// Head is the commit that a branch stands on at this moment; git.ErrNoBranch.
	Head(ctx context.Context, branch string) (commit string, err error)
	// Heads are the commits that all branches stand on, by their names.
	Heads(ctx context.Context) (map[string]string, error)
	// Propose answers what merging a pull request into a commit changes, for the
	// deployments in some folders of the tree. room is a folder of the caller's own. Who
	// got an answer calls its Done.
	// git.ErrGone or git.ErrNoBranch: its head is not there, or not any more.
	Propose(ctx context.Context, pull port.Pull, commit string, dirs []string, room string) (*Proposal, error)
	// Differ are the files that two commits do not hold alike; git.ErrGone.
	Differ(ctx context.Context, one, two string) ([]string, error)
}

// Proposal is what a pull request changes: the trees before and after it.
type Proposal struct {
	// From and To are the commits before and after it: that of the branch, and the pull
	// request's own, which stands for what the merge would give.
	From, To      string
	Branch        string // the branch's own commit: From, but for Conflicts
	before, after Tree   // see Trees
	// content reads a file of the branch, as it stands; git.ErrNotFound, git.ErrLarge.
	content func(ctx context.Context, name string, most int64) ([]byte, error)
	// Files are those that differ, seen from the top of the tree, sorted.
	Files []string
	// Conflicts are the files that both the branch and the pull request changed, each in
	// another way. The tree after it is the pull request's own then, and that before it the
	// one of the commit where the two parted, From.
	Conflicts []string

	modules []string // that files differ in
	free    func()   // nil: nothing is written
	once    sync.Mutex
	write   func(context.Context) (before, after Tree, err error) // nil: they are written
	failed  error                                                 // what keeps them from being written
}

// Done says that its trees are not read any more.
func (p *Proposal) Done() {
	p.once.Lock()
	defer p.once.Unlock()
	if p.free != nil {
		p.free()
	}
}

// Trees writes the trees once: the CUE modules in which files differ. They stay until
// Done.
func (p *Proposal) Trees(ctx context.Context) (before, after Tree, err error) {
	p.once.Lock()
	defer p.once.Unlock()
	if p.write != nil && p.failed == nil {
		if p.before, p.after, err = p.write(ctx); err == nil {
			p.write = nil
		} else if ctx.Err() == nil { // for the next deployment it would be the same
			p.failed = err
		}
	}
	return p.before, p.after, cmp.Or(err, p.failed)
}

// Holds says whether a file of the module that a folder is in differs; other
// deployments are none of the pull request's.
func (p *Proposal) Holds(dir string) bool {
	return slices.ContainsFunc(p.modules, func(m string) bool { return within(m, path.Clean(dir)) })
}

// within says that a path is a folder, or lies in it.
func within(dir, name string) bool {
	return dir == "." || name == dir || strings.HasPrefix(name, dir+"/")
}

// What is fetched and read for a pull request at once: anybody may open one, and nobody
// else has the mirror meanwhile.
const (
	mostPullBytes   = 256 << 20
	mostPullObjects = 500_000
	mostPullTime    = time.Minute     // of a fetch
	mostPullHold    = 2 * time.Minute // of all until it is known what changes
)

// Propose is Proposals'.
func (c *Clone) Propose(ctx context.Context, pull port.Pull, commit string, dirs []string, room string) (*Proposal, error) {
	free, err := c.take(ctx)
	if err != nil {
		return nil, err
	}
	defer free()
	within, cancel := context.WithTimeout(ctx, mostPullHold)
	defer cancel()
	r, err := c.with(within, pull)
	if err != nil {
		return nil, err
	}
	p, err := c.proposed(within, r, pull, commit, dirs, room)
	if err != nil && within.Err() != nil && ctx.Err() == nil {
		err = git.Unreadable{Why: fmt.Sprintf("what it changes is not known within %s", mostPullHold)}
	}
	return p, err
}

func (c *Clone) proposed(ctx context.Context, r *git.Repository, pull port.Pull, commit string, dirs []string, room string) (*Proposal, error) {
	if _, err := r.Commit(commit); err != nil { // the mirror was made anew
		return nil, fmt.Errorf("%.12s: %w", commit, git.ErrGone)
	}
	m, err := r.Merge(ctx, commit, pull.HeadCommit)
	if err != nil {
		return nil, err
	}
	p, before := &Proposal{Branch: commit, Conflicts: m.Conflicts}, commit
	p.content = func(ctx context.Context, name string, most int64) ([]byte, error) {
		free, err := c.take(ctx)
		if err != nil {
			return nil, err
		}
		defer free()
		return r.File(commit, name, most)
	}
	if len(m.Conflicts) > 0 {
		before = m.Base
	}
	p.From, p.To = before, pull.HeadCommit
	if p.Files, err = r.Differ(ctx, before, m.Commit); err != nil {
		return nil, err
	}
	if p.modules, err = modules(r, dirs, p.Files, before, m.Commit); err != nil {
		return nil, err
	}
	modules := p.modules
	p.write = func(ctx context.Context) (was, is Tree, err error) {
		free, err := c.take(ctx)
		if err != nil {
			return was, is, err
		}
		defer free()
		key := before + "\x00" + strings.Join(modules, "\x00")
		if was, p.free, err = c.shelf.take(c.now(), key, c.room(), func(dir string) (Tree, error) { return c.written(ctx, r, before, modules, dir) }); err == nil {
			is, err = c.written(ctx, r, m.Commit, modules, room)
		}
		if err != nil {
			p.free()
		}
		is.Commit = pull.HeadCommit
		return was, is, err
	}
	return p, nil
}

// Differ is Proposals'.
func (c *Clone) Differ(ctx context.Context, one, two string) ([]string, error) {
	free, err := c.take(ctx)
	if err != nil {
		return nil, err
	}
	defer free()
	r, err := git.Open(c.Dir)
	if err != nil {
		return nil, err
	}
	return r.Differ(ctx, one, two)
}

// with opens the mirror, which holds the pull request's head then.
func (c *Clone) with(ctx context.Context, pull port.Pull) (*git.Repository, error) {
	r, err := git.Open(c.Dir)
	if err != nil {
		return nil, err
	}
	if _, err := r.Commit(pull.HeadCommit); err == nil {
		return r, nil
	}
	remote, err := c.Remote()
	if err != nil {
		return nil, err
	}
	remote.Bytes, remote.Objects, remote.Time = mostPullBytes, mostPullObjects, mostPullTime
	var failed error
	for _, ref := range refs(pull) {
		if r, err = remote.Fetch(ctx, c.Dir, ref); err != nil {
			failed = errors.Join(failed, err)
			continue
		}
		if _, err = r.Commit(pull.HeadCommit); err == nil {
			return r, nil
		}
	}
	if failed == nil {
		failed = fmt.Errorf("pull request %d: %.12s: %w", pull.Number, pull.HeadCommit, git.ErrGone)
	}
	return nil, failed
}

// refs are those under which the head may be; a forge moves the first a moment later
// than the branch.
func refs(pull port.Pull) (all []string) {
	branch := "refs/heads/" + pull.Head
	if pull.Ref != "" {
		all = append(all, pull.Ref)
	}
	if pull.Ref != branch && pull.Head != "" && !strings.ContainsAny(pull.Head, ":*^~ ?[\\") {
		all = append(all, branch)
	}
	return all
}

// modules are the folders of the CUE modules that deployments are in, before or after,
// and that some files are in.
func modules(r *git.Repository, dirs, files []string, commits ...string) ([]string, error) {
	found, seen := map[string]bool{}, map[string]bool{}
	for _, commit := range commits {
		for _, dir := range dirs {
			at, there, err := r.Above(commit, path.Clean(dir), "cue.mod")
			if err != nil {
				return nil, err
			}
			if there && !seen[at] && slices.ContainsFunc(files, func(f string) bool { return within(at, f) }) {
				found[at] = true
			}
			seen[at] = seen[at] || there
		}
	}
	all := schema.Sorted(found)
	return slices.DeleteFunc(slices.Clone(all), func(at string) bool { // what another one holds is written with it
		return slices.ContainsFunc(all, func(other string) bool { return other != at && within(other, at) })
	}), nil
}
