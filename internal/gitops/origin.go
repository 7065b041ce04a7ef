package gitops

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
)

// origin is where a commit of a branch came from.
type origin struct {
	// Pull is the pull request that was merged as the commit; number zero: none was.
	Pull port.Pull
	// beside are all that the forge says that of, as of several with one head: Pull, which
	// is the first of them, and those that may be it as well.
	beside []port.Pull
	// Writers are the accounts that wrote or pushed what the branch has since its
	// last commit of which nothing is left to do.
	Writers []string
	// Unknown says that some of that came by no pull request, so that nobody can tell
	// whose it is: any one person may be who pushed it.
	Unknown bool
}

// wrote says whether an account had a part in it.
func (o origin) wrote(user string) bool { return slices.Contains(o.Writers, config.Account(user)) }

// extra is how many approvals more are needed, so that those of others are enough.
func (o origin) extra() int {
	if o.Unknown {
		return 1
	}
	return 0
}

// mostLine is how many commits of a branch are looked at for who wrote them.
const mostLine = 30

// origin finds out who brought a commit, and all since the last one that was done.
func (t *turn) origin(ctx context.Context, commit string) (o origin, err error) {
	since := t.head.Since
	line, whole := []string{commit}, since != "" // before the first apply all of it is somebody's
	if whole && since != commit {
		line, whole, err = t.Source.Line(ctx, since, commit, mostLine)
		if errors.Is(err, git.ErrGone) { // it was pushed away
			line, whole, err = []string{commit}, false, nil
		}
		if err != nil {
			return o, err
		}
	}
	o.Unknown = !whole
	if whole && since != commit {
		if line, err = t.unrecorded(ctx, line, since); err != nil {
			return o, err
		}
	}
	for i, c := range line {
		pulls, err := t.merged(ctx, c)
		if err != nil {
			return o, err
		}
		o.Unknown = o.Unknown || len(pulls) == 0
		for _, p := range pulls {
			o.add(p)
			if i == 0 && p.MergeCommit == c {
				o.beside = append(o.beside, p)
			}
		}
	}
	if own := slices.DeleteFunc(slices.Clone(o.beside), func(p port.Pull) bool { return !strings.EqualFold(p.Repo, t.Repo) }); len(own) > 0 {
		o.beside = own // anybody may open one of the same head from a fork
	}
	if slices.SortFunc(o.beside, func(a, b port.Pull) int { return a.Number - b.Number }); len(o.beside) > 0 {
		o.Pull = o.beside[0]
	}
	return o, nil
}

// unrecorded leaves out of a line the commits that bring a new recording of the world and
// nothing else: whoever pushed one has no part in what is planned, unless the deployment
// reads that file.
func (t *turn) unrecorded(ctx context.Context, line []string, since string) (rest []string, err error) {
	name := t.Bound.Recording.File
	if name == "" || slices.ContainsFunc(t.engine.Compiled.Files, func(f string) bool { return path.Join(t.Bound.Folder(), f) == name }) {
		return line, nil
	}
	for i, c := range line {
		before := since
		if i+1 < len(line) {
			before = line[i+1]
		}
		files, err := t.Source.Differ(ctx, before, c)
		if err != nil {
			return nil, fmt.Errorf("what %.12s changed: %w", c, err)
		}
		if !slices.Equal(files, []string{name}) {
			rest = append(rest, c)
		}
	}
	return rest, nil
}

// add notes who wrote and pushed a pull request.
func (o *origin) add(p port.Pull) {
	o.Writers = append(o.Writers, config.Account(p.Author))
	for _, user := range p.Pushers {
		o.Writers = append(o.Writers, config.Account(user))
	}
}

// brought is the pull request that a commit came by, zero where the forge does not say:
// nothing that is applied depends on it.
func (t *turn) brought(ctx context.Context, commit string) int {
	if t.Forge == nil {
		return 0
	}
	numbers, err := t.Forge.Carried(ctx, t.Repo, commit)
	if err != nil || len(numbers) != 1 {
		return 0
	}
	return numbers[0]
}

// merged are the pull requests that a commit came to the branch by.
func (t *turn) merged(ctx context.Context, commit string) (all []port.Pull, err error) {
	numbers, err := t.Forge.Carried(ctx, t.Repo, commit)
	if err != nil {
		return nil, err
	}
	for _, n := range numbers {
		p, err := t.Forge.Pull(ctx, t.Repo, n)
		if err != nil {
			return nil, fmt.Errorf("pull request %d, which brought %.12s: %w", n, commit, err)
		}
		if p.State == port.PullMerged && p.Base == t.Bound.Branch {
			all = append(all, p)
		}
	}
	return all, nil
}
