package gitops

import (
	"context"
	"slices"

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
