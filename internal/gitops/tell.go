package gitops

import (
	"context"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Telling is a plan for a pull request.
type Telling struct {
	Repo string
	Pull int
	// Commit is the one that was planned, of the pull request's head.
	Commit string
	Plan   planner.Plan
	// Whole is an address where all of the plan can be read, to which the comment and the
	// status link; empty: there is none.
	Whole string
	// Note is Markdown that stands before the plan.
	Note string
}

// Told says what became of it.
type Told struct {
	Comment Posted
	Status  port.CommitStatus
	// Moved is the head that the pull request has by now, if it is another than was
	// planned: the comment is left alone then, as it may already speak of that one.
	Moved string
}

// Tell writes the plan's comment, then the commit's status: who sees the status finds
// the comment. Repeating it is safe.
func (t Telling) Tell(ctx context.Context, f port.Forge) (Told, error) {
	told := Told{Status: Status(t.Plan, t.Whole)}
	pull, err := f.Pull(ctx, t.Repo, t.Pull)
	if err != nil {
		return told, err
	}
	if pull.HeadCommit != t.Commit {
		told.Moved = pull.HeadCommit
	} else {
		c := Comment{Repo: t.Repo, Pull: t.Pull, Key: t.Plan.Deployment, Text: func(limit int) string { return t.Note + t.Plan.Comment(limit-len(t.Note), t.Whole) }}
		if told.Comment, err = c.Post(ctx, f); err != nil {
			return told, err
		}
	}
	return told, f.SetStatus(ctx, t.Repo, t.Commit, told.Status)
}

// Status is what a commit shows of its plan: failure when errors were found. Its text
// begins with the effect, to which approvals bind.
func Status(p planner.Plan, url string) port.CommitStatus {
	s := port.CommitStatus{Name: StatusName(p.Deployment), State: port.CommitSuccess, URL: url}
	if p.Refused() {
		s.State = port.CommitFailure
	}
	s.Text = statusText(p.Effect, p.Amount())
	return s
}

// statusText begins with the effect, where there is one, and is cut to what a status
// holds, see port.CommitStatus.
func statusText(effect, text string) string {
	if effect != "" {
		text = "effect " + effect + ": " + text
	}
	const most = 140
	r := []rune(planner.Printable(text))
	if len(r) > most {
		r = append(r[:most-1], '…')
	}
	return string(r)
}

// StatusName is under which name a deployment's status stands.
func StatusName(deployment string) string { return "domctl/" + planner.Printable(deployment) }
