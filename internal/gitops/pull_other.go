package gitops

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// untouched takes back what a pull request showed of a deployment that it does not
// change any more.
func (t *proposal) untouched(ctx context.Context, shown bool) error {
	if !shown {
		return nil
	}
	defer func() { t.rec = PullPlan{} }()
	if t.rec.Head != "" && (t.rec.Plan != "" || t.rec.Comment != "") {
		text := "### domctl plan: " + planner.Code(t.desk.Name) + "\n\nThis pull request no longer changes anything of this deployment.\n"
		c := Comment{Repo: t.Repo, Pull: t.pull.Number, Key: t.desk.Name, Text: func(int) string { return text }}
		if _, err := c.Post(ctx, t.Forge); err != nil {
			return err
		}
	}
	s := port.CommitStatus{Name: StatusName(t.desk.Name), State: port.CommitSuccess, Text: "the pull request changes nothing of this deployment"}
	if !t.anothers() {
		if err := t.forge().SetStatus(ctx, t.Repo, t.pull.HeadCommit, s); err != nil {
			return err
		}
	}
	if err := forget(ctx, t.store, t.pull.Number); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.known[t.desk], t.pull.Number)
	return nil
}

// anothers says that what the head shows of the deployment is not this pull request's:
// another one of the same head is for the deployment's branch, or that is the branch's.
func (t *proposal) anothers() bool {
	if t.pull.HeadCommit == t.From || t.forked(t.pull) && len(t.Files) == 0 {
		return true
	}
	return slices.ContainsFunc(t.beside(t.pull), func(q port.Pull) bool { return t.pull.Base != t.desk.Bound.Branch && q.Base == t.desk.Bound.Branch })
}

// folder is where the deployment stands in the tree.
func (d Deployment) folder() string { return path.Clean(d.Dir) }

// version tells one state of what was applied from another.
func (d *Desk) version(ctx context.Context) (string, error) {
	store, err := d.Records(ctx)
	if err != nil {
		return "", fmt.Errorf("state: %w", err)
	}
	_, etag, err := applier.ReadApplied(ctx, store, d.Name)
	return etag, err
}

// pulls are the pull requests that the deployment has records of, and when they ended.
func (d *Desk) pulls(ctx context.Context) (map[int]time.Time, error) {
	store, err := d.Records(ctx)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	numbers, err := PullNumbers(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("state: %w", err)
	}
	known := map[int]time.Time{}
	for _, n := range numbers {
		p, there, err := ReadPullPlan(ctx, store, n)
		if err != nil {
			return nil, err
		}
		if there {
			known[n] = p.Ended
		}
	}
	return known, nil
}

// change rewrites the record of a pull request, if there is one.
func (d *Desk) change(ctx context.Context, pull int, nonce string, edit func(*PullPlan)) error {
	store, err := d.Records(ctx)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	var p PullPlan
	etag, there, err := read(ctx, store, pullKey(pull), &p)
	if err != nil || !there {
		return err
	}
	edit(&p)
	p.Nonce = nonce
	_, err = write(ctx, store, pullKey(pull), etag, p)
	return err
}

// over notes that a pull request is not open any more.
func (d *Desk) over(ctx context.Context, p port.Pull, nonce string) error {
	return d.change(ctx, p.Number, nonce, func(r *PullPlan) { r.State, r.Ended = p.State, d.Now() })
}

// untell lets a pull request be planned anew.
func (d *Desk) untell(ctx context.Context, pull int, nonce string) error {
	return d.change(ctx, pull, nonce, func(r *PullPlan) { r.Told = false })
}

func (d *Desk) forget(ctx context.Context, pull int) error {
	store, err := d.Records(ctx)
	if err != nil {
		return fmt.Errorf("state: %w", err)
	}
	return forget(ctx, store, pull)
}

// forget lets go of what was planned for a pull request.
func forget(ctx context.Context, s applier.Store, pull int) error {
	err := s.Delete(ctx, plansKey+PullPlanOf(pull))
	if err == nil || errors.Is(err, applier.ErrNoKey) {
		err = s.Delete(ctx, pullKey(pull))
	}
	return err
}

// What is kept of pull requests that are over.
const (
	mostEnded  = 100
	longestEnd = 30 * 24 * time.Hour
)

// outdated are the pull requests whose records are to go: those that ended long ago, and
// of too many the first.
func outdated(known map[int]time.Time, now time.Time) (old []int) {
	var ended []int
	for n, at := range known {
		if !at.IsZero() {
			ended = append(ended, n)
		}
	}
	slices.SortFunc(ended, func(a, b int) int { return known[b].Compare(known[a]) })
	for i, n := range ended {
		if i >= mostEnded || now.Sub(known[n]) > longestEnd {
			old = append(old, n)
		}
	}
	return old
}
