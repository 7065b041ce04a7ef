package gitops

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// A fork's pull request meets no credentials: nobody outside is asked for it, no secret
// is read, and no records but those of what it shows. Where the deployment's branch holds
// a recording of the world it is planned from that; what the fork says of the world does
// not count.

const forkText = "from a fork: not planned with credentials"

// foreign finds what a fork's pull request is planned from. known is false where that is
// nothing: the pull request shows why, and nothing of its files is evaluated.
func (t *proposal) foreign(ctx context.Context) (known bool, err error) {
	if t.desk.Bound.Recording.File == "" {
		return false, t.fork(ctx)
	}
	if t.rec.Why == forkText {
		if err := t.unfork(ctx); err != nil {
			return false, err
		}
	}
	var lacks *schema.Finding
	if t.world, lacks, err = t.recorded(ctx); err != nil {
		return false, t.broken(ctx, err)
	}
	if lacks != nil {
		return false, t.unserved(ctx, *lacks)
	}
	return true, nil
}

// fork says why a pull request of somebody who may not write to the repository shows no
// plan.
func (t *proposal) fork(ctx context.Context) error {
	if t.rec.Told && t.rec.Head == t.pull.HeadCommit && t.rec.Why == forkText {
		return nil
	}
	if t.rec.Recording != "" {
		c := Comment{Repo: t.Repo, Pull: t.pull.Number, Key: t.desk.Name, Text: func(int) string {
			return "### domctl plan: " + planner.Code(t.desk.Name) + "\n\nPull requests from forks are not planned here any more (DC531).\n"
		}}
		if _, err := c.Post(ctx, t.Forge); err != nil {
			return err
		}
	}
	posted, err := t.saysFork(ctx, "This pull request comes "+forkText+" (DC531).\n\nSomebody who may write to this repository can push its branch here and open a pull request for it: that one is planned. Or let the controller plan forks from a recording of the world, without credentials: commit one that `domctl world record` makes, and name it in the controller's file as the deployment's `recording`.\n")
	if err == nil {
		err = t.forge().SetStatus(ctx, t.Repo, t.pull.HeadCommit, port.CommitStatus{Name: StatusName(t.desk.Name), State: port.CommitError, Text: "DC531: " + forkText})
	}
	if err != nil {
		return err
	}
	t.rec = PullPlan{Head: t.pull.HeadCommit, Why: forkText, Told: true, Comment: posted.ID, At: t.desk.Now()}
	return t.save(ctx)
}

// saysFork writes the one comment for all deployments that plan no forks.
func (t *proposal) saysFork(ctx context.Context, text string) (Posted, error) {
	c := Comment{Repo: t.Repo, Pull: t.pull.Number, Key: "fork of " + t.Repo, Text: func(int) string { return "### domctl\n\n" + text }}
	t.talk.Lock()
	defer t.talk.Unlock()
	return c.Post(ctx, t.Forge)
}

// unfork takes back that a pull request is not planned, as far as that is so of all
// deployments.
func (t *proposal) unfork(ctx context.Context) error {
	if slices.ContainsFunc(t.Desks, func(d *Desk) bool { return d.Bound.Branch == t.pull.Base && d.Bound.Recording.File == "" }) {
		return nil
	}
	_, err := t.saysFork(ctx, "This pull request comes from a fork: it is planned from a recording of the world, without credentials.\n")
	t.rec = PullPlan{}
	return err
}

// unserved shows why a fork cannot be planned from the recording, once.
func (t *proposal) unserved(ctx context.Context, lacks schema.Finding) error {
	s := port.CommitStatus{Name: StatusName(t.desk.Name), State: port.CommitError, Text: statusText("", lacks.Code+": "+lacks.Message)}
	if t.rec.Told && t.rec.Head == t.pull.HeadCommit && t.rec.Why == s.Text {
		return nil
	}
	note := "This pull request comes from a fork, so it is planned without credentials, from a recording of the world, and there is none that serves. Nothing of its files was evaluated.\n\n"
	c := Comment{Repo: t.Repo, Pull: t.pull.Number, Key: t.desk.Name, Text: func(limit int) string {
		return note + t.refused([]schema.Finding{lacks}).Comment(limit-len(note), "")
	}}
	posted, err := c.Post(ctx, t.Forge)
	if err == nil {
		err = t.forge().SetStatus(ctx, t.Repo, t.pull.HeadCommit, s)
	}
	if err != nil {
		return err
	}
	t.rec = PullPlan{Head: t.pull.HeadCommit, Why: s.Text, Told: true, Comment: posted.ID, At: t.desk.Now()}
	return t.save(ctx)
}

// public leaves out of what is wrong with a fork's files what the controller's file says:
// anybody may ask for that by a pull request. Which of it is wrong is left out with it.
func (t *proposal) public(found []schema.Finding) []schema.Finding {
	if t.world == nil {
		return found
	}
	bound := []string{"DC521", "DC522", "DC525"}
	told := slices.DeleteFunc(slices.Clone(found), func(f schema.Finding) bool { return slices.Contains(bound, f.Code) })
	if len(told) < len(found) {
		told = append(told, schema.Finding{Code: "DC521", Severity: schema.Error,
			Message: "the files state another outside than the deployment is bound to, read a secret that they may not, or turn off a finding that they may not",
			Hint:    "leave what changed of that out"})
	}
	return schema.SortFindings(told)
}

// rewrites says that a fork brings a recording of its own.
func (t *proposal) rewrites() bool {
	return t.world != nil && slices.Contains(t.Files, t.desk.Bound.Recording.File)
}

func (t *proposal) rewritten() schema.Finding {
	return schema.Finding{Code: "DC533", Severity: schema.Warning, Message: "the pull request brings a recording of its own, " + planner.Printable(t.desk.Bound.Recording.File) + "; the plan goes by the branch's",
		Hint: "leave it out of the pull request: once it is merged, forks are planned from what it says"}
}

// note says in a pull request what is to be known beside its plan.
func (t *proposal) note(p planner.Plan) string {
	if t.world == nil {
		return note(t.desk.Bound, p)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "This pull request comes from a fork, so it is planned without credentials: not against what lives, but from a recording, %s of branch %s, of %s, %s old.\n\n", planner.Code(t.desk.Bound.Recording.File), planner.Code(t.pull.Base), planner.Code(t.world.At), t.world.age)
	b.WriteString("What nobody looked at then is unknown: whether objects that are new in the files live already (DC502), fields that the files did not state, what images are baked from where that changed. Findings that ask AWS or MongoDB, and forecasts, are missing.\n\n")
	b.WriteString("Nobody can approve or apply this plan, it has no effect. Once it is merged, it is planned with credentials")
	if len(t.desk.Bound.Rules) > 0 {
		b.WriteString(", and waits for the approvals that this plan needs")
	} else {
		b.WriteString(", and applied")
	}
	b.WriteString(".\n\n")
	return b.String()
}
