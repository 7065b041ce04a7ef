package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
)

// A status belongs to a commit, and several pull requests may have one as their head. Of
// those of the repository the worst is shown. Anybody can open one from a fork whose head
// is the repository's own: such a fork sets no status.

// gather reads which pull requests have the same head, and which heads are the
// repository's own. forks is false where those are not known.
func (s *sight) gather(ctx context.Context, open []port.Pull) (forks bool, err error) {
	heads, ours := map[string][]port.Pull{}, map[string]bool{}
	for _, p := range open {
		if !s.watches(p.Base) {
			continue
		}
		heads[p.HeadCommit] = append(heads[p.HeadCommit], p)
		if ours[p.HeadCommit] = ours[p.HeadCommit] || !s.forked(p); s.forked(p) {
			forks = true
		}
	}
	if forks {
		var branches map[string]string
		branches, err = s.Source.Heads(ctx)
		for _, commit := range branches {
			ours[commit] = true
		}
	}
	s.telling.Lock() // no status of a fork is under way
	defer s.telling.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		maps.Copy(ours, s.ours) // those of branches
	}
	s.heads, s.ours = heads, ours
	for head := range s.sums {
		if len(heads[head]) == 0 {
			delete(s.sums, head)
		}
	}
	return err == nil, err
}

// branch is the commit of a branch, read once in a look; empty: there is none.
func (s *sight) branch(ctx context.Context, name string) (commit string, err error) {
	commit, known := s.commits[name]
	if known {
		return commit, nil
	}
	if commit, err = s.Source.Head(ctx, name); err != nil && !errors.Is(err, git.ErrNoBranch) {
		return "", fmt.Errorf("branch %s: %w", name, err)
	}
	s.commits[name] = commit
	return commit, nil
}

// watches says that a branch is a deployment's.
func (r *Reception) watches(branch string) bool {
	return slices.ContainsFunc(r.Desks, func(d *Desk) bool { return d.Bound.Branch == branch })
}

// beside are the other open pull requests of the same head: of the repository, or of
// forks, as this one is.
func (r *Reception) beside(p port.Pull) (all []port.Pull) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, q := range r.heads[p.HeadCommit] {
		if q.Number != p.Number && r.forked(q) == r.forked(p) {
			all = append(all, q)
		}
	}
	return all
}

// company tells one set of pull requests beside one from another.
func (r *Reception) company(p port.Pull) string {
	var b strings.Builder
	for _, q := range r.beside(p) {
		fmt.Fprintf(&b, "%d %q ", q.Number, q.Base)
	}
	return b.String()
}

// counts says that a pull request is still open as it was seen, and that it may set
// statuses of its head.
func (r *Reception) counts(p port.Pull) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	is := slices.ContainsFunc(r.heads[p.HeadCommit], func(q port.Pull) bool { return q.Number == p.Number && q.Base == p.Base })
	return is && !(r.forked(p) && r.ours[p.HeadCommit])
}

// mark sets a status of a pull request's head, if it may.
func (r *Reception) mark(ctx context.Context, p port.Pull, s port.CommitStatus) (set bool, err error) {
	if r.forked(p) {
		r.telling.RLock()
		defer r.telling.RUnlock()
		r.mu.Lock()
		ours := r.ours[p.HeadCommit]
		r.mu.Unlock()
		if ours {
			return false, nil
		}
	}
	return true, r.Forge.SetStatus(ctx, r.Repo, p.HeadCommit, s)
}

// headForge is the forge as a pull request may use it.
type headForge struct {
	port.Forge
	*Reception
	pull port.Pull
}

func (t *proposal) forge() port.Forge { return headForge{t.Forge, t.Reception, t.pull} }

// SetStatus sets one of the pull request's head, or none.
func (m headForge) SetStatus(ctx context.Context, _, _ string, s port.CommitStatus) error {
	_, err := m.mark(ctx, m.pull, s)
	return err
}

// worst is what is to be shown of a head, of which one pull request says something. known
// is false where another has yet to say something that may be worse.
func (r *Reception) worst(p port.Pull, s port.CommitStatus) (_ port.CommitStatus, known bool) {
	others := r.beside(p)
	if len(others) == 0 {
		return s, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	type saying struct {
		pull int
		port.CommitStatus
	}
	all := []saying{{p.Number, s}}
	for _, q := range others {
		if v := r.visits[q.Number]; v != nil && v.head == q.HeadCommit && v.base == q.Base && v.says.Name != "" {
			all = append(all, saying{q.Number, v.says})
		}
	}
	rank := []port.CommitState{port.CommitError, port.CommitFailure, port.CommitSuccess}
	w := slices.MinFunc(all, func(a, b saying) int {
		return cmp.Or(slices.Index(rank, a.State)-slices.Index(rank, b.State), a.pull-b.pull)
	})
	w.Text = statusText("", fmt.Sprintf("pull request %d: %s", w.pull, w.Text))
	return w.CommitStatus, len(all) > len(others) || w.State != port.CommitSuccess
}
