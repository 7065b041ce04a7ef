package gitops

import (
	"context"
	"errors"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// Observer hears how the controller's work goes. It is called concurrently, and must
// answer at once.
type Observer interface {
	// Begin hears that work begins. It answers the context to do it in, and what is to
	// hear in a word how it ended.
	Begin(ctx context.Context, w Work) (context.Context, func(outcome string))
	// Stands hears how a deployment stands after a Turn, and why that did not come to its
	// end, if it did not: of the rest its Head alone is known then.
	Stands(deployment string, t Turned, at time.Time, failed error)
	// Drifted hears what a look for drift found.
	Drifted(deployment string, d Drift)
}

// Work is something that takes time. Deployment is empty for what is of none, Repository
// for what is of one deployment; Name says more: the channel of a notice, the verb of a
// command.
type Work struct {
	Kind                         WorkKind
	Deployment, Name, Repository string
}

// WorkKind is which work it is.
type WorkKind string

// The kinds of work, and the outcomes of each beside "error".
const (
	TurnWork   WorkKind = "turn"   // idle, frozen, waits, panicked, and the stages of a Head
	QueueWork  WorkKind = "queue"  // free
	PlanWork   WorkKind = "plan"   // ok, empty, refused
	ApplyWork  WorkKind = "apply"  // ended, paused, failed, refused
	LookWork   WorkKind = "look"   // same, drift
	NoticeWork WorkKind = "notice" // told, lost
	HookWork   WorkKind = "hook"   // accepted, refused, unknown, large, busy, broken

	// Acting for a deployment: from when this replica begins to until it no longer does.
	ActWork WorkKind = "act" // over

	// Of pull requests: a look at those of a repository, in which the others begin; one
	// that is brought up to date at all its deployments; its plan at one, and the wait for a
	// place to make it at; what people said on one, and one command in that.
	PullsWork     WorkKind = "pulls"        // ok, limited
	ReviewWork    WorkKind = "review"       // ok, overtaken
	PullPlanWork  WorkKind = "pull plan"    // as PlanWork
	PullQueueWork WorkKind = "pull queue"   // free
	TalkWork      WorkKind = "conversation" // ok, waits
	CommandWork   WorkKind = "command"      // done, stranger, waits
)

// Observers are several of them, told in their order.
type Observers []Observer

// Begin is Observer's.
func (all Observers) Begin(ctx context.Context, w Work) (context.Context, func(string)) {
	ends := make([]func(string), len(all))
	for i, o := range all {
		ctx, ends[i] = o.Begin(ctx, w)
	}
	return ctx, func(outcome string) {
		for _, end := range ends {
			end(outcome)
		}
	}
}

// Stands is Observer's.
func (all Observers) Stands(deployment string, t Turned, at time.Time, failed error) {
	for _, o := range all {
		o.Stands(deployment, t, at, failed)
	}
}

// Drifted is Observer's.
func (all Observers) Drifted(deployment string, d Drift) {
	for _, o := range all {
		o.Drifted(deployment, d)
	}
}

// observe begins work of the desk's deployment.
func (d *Desk) observe(ctx context.Context, kind WorkKind, name string) (context.Context, func(string)) {
	return observe(ctx, d.Observer, Work{Kind: kind, Deployment: d.Name, Name: name})
}

// observe begins work of the repository.
func (r *Reception) observe(ctx context.Context, kind WorkKind) (context.Context, func(string)) {
	return observe(ctx, r.Observer, Work{Kind: kind, Repository: r.Name})
}

func observe(ctx context.Context, o Observer, w Work) (context.Context, func(string)) {
	if o == nil {
		return ctx, func(string) {}
	}
	return o.Begin(ctx, w)
}

// turnOutcome is what became of a Turn, in a word.
func turnOutcome(t Turned, err error) string {
	switch {
	case errors.Is(err, applier.ErrLocked), errors.Is(err, git.ErrNoBranch):
		return "waits"
	case err != nil:
		return "error"
	case t.Frozen != "":
		return "frozen"
	case !t.Worked:
		return "idle"
	}
	return string(t.Head.Stage)
}

func planOutcome(p planner.Plan, err error) string {
	var invalid *engine.Invalid
	switch {
	case errors.As(err, &invalid):
		return "refused"
	case err != nil:
		return "error"
	case p.Refused(), p.Stuck():
		return "refused"
	case p.Empty():
		return "empty"
	}
	return "ok"
}

// pullOutcome is how work for pull requests ended, in a word.
func pullOutcome(ctx context.Context, err error) string {
	var limited *port.Throttle
	switch {
	case errors.As(err, &limited):
		return "limited"
	case errors.Is(err, ErrUnderWay):
		return "waits"
	case err != nil && ctx.Err() != nil:
		return "overtaken"
	case err != nil:
		return "error"
	}
	return "ok"
}

func applyOutcome(res applier.Result, err error) string {
	if err != nil {
		return "error"
	}
	return string(res.Outcome)
}

// looked tells how a deployment was seen.
func (d *Desk) looked(t Turned, err error) {
	if d.Observer != nil {
		d.Observer.Stands(d.Name, t, d.Now(), err)
	}
}
