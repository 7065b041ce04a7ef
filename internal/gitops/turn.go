package gitops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

type turn struct {
	*Desk
	store  applier.Store
	head   Head
	etag   string
	turned Turned
	engine *engine.Engine // the one that is open
	// toApply closes the engine that is open and opens one to apply, for the same tree.
	toApply func(context.Context) (*engine.Engine, error)
}

// most is how often a branch may move on under one Turn's eyes.
const most = 5

func (t *turn) run(ctx context.Context) (err error) {
	if t.store, err = t.Records(ctx); err != nil {
		return fmt.Errorf("state: %w", err)
	}
	if t.etag, _, err = read(ctx, t.store, headKey, &t.head); err != nil {
		return err
	}
	t.turned.Head = t.head
	wish := t.grant(ctx) // which must not keep commits from being applied, or a freeze from being seen
	return errors.Join(wish, t.work(ctx))
}

func (t *turn) work(ctx context.Context) error {
	f, _, err := applier.ReadFreeze(ctx, t.store)
	if err != nil {
		return err
	}
	if f.Holds(t.Now()) {
		return t.hold(ctx, f)
	}
	for range most {
		again, err := t.step(ctx)
		if err != nil {
			return err
		}
		if !again {
			break
		}
	}
	return t.tell(ctx)
}

// hold shows a commit that came while nothing is applied why that is so. What it had to
// show before waits for the end of the freeze.
func (t *turn) hold(ctx context.Context, f applier.Freeze) error {
	t.turned.Frozen = f.String()
	if t.Tell == nil {
		return nil
	}
	commit, err := t.Source.Head(ctx, t.Bound.Branch)
	if err != nil || commit == t.head.Commit || t.held == commit+t.turned.Frozen {
		return err
	}
	s := port.CommitStatus{Name: StatusName(t.Name), State: port.CommitPending, Text: statusText("", t.turned.Frozen), URL: t.Page}
	if err := t.Tell(ctx, commit, s); err != nil {
		return fmt.Errorf("status of %.12s: %w", commit, err)
	}
	t.held = commit + t.turned.Frozen
	return nil
}

// step does one thing, and says whether there may be more to do.
func (t *turn) step(ctx context.Context) (again bool, err error) {
	if t.head.Stage == Applying {
		if t.Now().Before(t.head.Next) {
			return false, nil
		}
		return t.goOn(ctx)
	}
	commit, err := t.Source.Head(ctx, t.Bound.Branch)
	if err != nil {
		return false, err
	}
	if commit == t.head.Commit && !t.head.Redo && (t.head.Stage == Done || t.Now().Before(t.head.Next)) {
		if t.head.Stage != Asked {
			return false, nil
		}
		if more, err := t.approvedSince(ctx); err != nil || !more {
			return false, err
		}
	}
	return t.begin(ctx, commit)
}

// save writes the record; whoever wrote it meanwhile has the word.
func (t *turn) save(ctx context.Context, h Head) (err error) {
	h.Nonce, h.Since, h.Over = t.Random(), cmp.Or(h.Since, t.head.Since), t.head.Over
	if t.head.Commit != h.Commit {
		h.Over = t.head.awaits()
	} else if h.From == 0 {
		h.From, h.HeardOut = t.head.From, t.head.HeardOut
	}
	if h.Stage == Done && t.head.Stage != Done {
		h.HeardOut = t.Now().Add(24 * time.Hour)
	}
	if h.Out == nil {
		h.Out = t.head.Out
	}
	if h.Stage == Done && h.Left == 0 && h.Back == "" {
		h.Since, h.Out = h.Commit, h.Out.done()
	}
	if t.etag, err = write(ctx, t.store, headKey, t.etag, h); err == nil {
		t.head, t.turned.Head = h, h
	}
	return err
}

// later is a record of what did not come to its end: it is looked at again, ever later.
func (t *turn) later(ctx context.Context, h Head, why string) error {
	if h.Commit == t.head.Commit && h.Stage == t.head.Stage {
		h.Tries = t.head.Tries + 1
	}
	h.Told = h.Commit == t.head.Commit && h.Stage == t.head.Stage && why == t.head.Why && t.head.Told
	h.Why, h.Next = why, t.Now().Add(min(time.Minute<<min(h.Tries, 10), time.Hour))
	return t.save(ctx, h)
}

// ended records how an apply, or a part of it, ended.
func (t *turn) ended(ctx context.Context, res applier.Result, failed error) (again bool, err error) {
	h := t.head
	switch {
	case failed != nil:
		return false, errors.Join(failed, t.tell(ctx)) // the records say how far it came
	case res.Outcome == applier.EndedOutcome:
		h.Stage, h.Why, h.Tries, h.Next, h.Told, h.Left = Done, h.blocked("applied"), 0, time.Time{}, false, res.Left
		if h.Left > 0 {
			h.Why = "abandoned with " + planner.Plural(h.Left, "step") + " left"
		}
		if h.Back != "" {
			h.Why = h.backWhy()
		}
		return true, t.save(ctx, h)
	case res.Outcome == applier.RefusedOutcome:
		h.Stage = Refused
	}
	return false, t.later(ctx, h, planner.Printable(string(res.Outcome)+": "+schema.Listed(res.Why, "and")))
}

// anyTree opens the engine for a commit, or for the branch's where that one is gone or
// does not fit any more: what is left to do of an apply stands in the records.
func (t *turn) anyTree(ctx context.Context, commit string) (e *engine.Engine, shut func(), err error) {
	e, shut, err = t.opened(ctx, commit, config.ToApply)
	var invalid *engine.Invalid
	if errors.As(err, &invalid) || errors.Is(err, git.ErrGone) {
		newest, noHead := t.Source.Head(ctx, t.Bound.Branch)
		if noHead != nil {
			return nil, shut, errors.Join(err, noHead)
		}
		shut()
		e, shut, err = t.opened(ctx, newest, config.ToApply)
	}
	return e, shut, err
}

// goOn finds out what became of an apply that was about to begin, and goes on with it.
func (t *turn) goOn(ctx context.Context) (again bool, err error) {
	t.turned.Worked = true
	e, shut, err := t.anyTree(ctx, t.head.Commit)
	defer shut()
	if err != nil {
		return false, err
	}
	s, err := e.Applier.Summary(ctx, t.head.Plan)
	switch {
	case applier.IsMissing(err): // who recorded it may only stand still
		return true, e.Applier.Never(ctx, t.head.Plan)
	case err == nil && s.Plan == nil: // it never began, and by the fence never will
		return true, t.save(ctx, Head{Pull: t.head.Pull, PullHead: t.head.PullHead})
	case err != nil:
		return false, err
	case s.Outcome == applier.EndedOutcome, s.Outcome == applier.RefusedOutcome:
		return t.ended(ctx, applier.Result{ID: s.ID, Outcome: s.Outcome, Why: []string{s.Why}, Done: s.Done, Left: len(s.Plan.Steps) - s.Done}, nil)
	}
	if t.head.Back == "" && !slices.ContainsFunc(s.Records, func(r applier.Record) bool { return r.Kind == applier.KindBegin }) {
		// Nothing was begun yet: a branch that moved on takes its place.
		commit, err := t.Source.Head(ctx, t.Bound.Branch)
		if err != nil {
			return false, err
		}
		if commit != t.head.Commit {
			res, err := e.Applier.Settle(ctx, t.head.Plan)
			return t.ended(ctx, res, err)
		}
	}
	ctx, end := t.observe(ctx, ApplyWork, "")
	res, err := e.Applier.Resume(ctx, t.head.Plan) // which also one is that reserved nothing yet
	end(applyOutcome(res, err))
	return t.ended(ctx, res, err)
}

// tell shows on the forge how the commit stands. A forge that cannot be reached keeps
// nothing else from being done.
func (t *turn) tell(ctx context.Context) error {
	if t.Tell == nil || t.head.Told || t.head.Commit == "" {
		return nil
	}
	s := t.head.Status(t.Name)
	s.URL = t.Page
	if err := t.Tell(ctx, t.head.Commit, s); err != nil {
		return fmt.Errorf("status of %.12s: %w", t.head.Commit, err)
	}
	if err := t.unask(ctx); err != nil {
		return fmt.Errorf("comment on what was asked: %w", err)
	}
	h := t.head
	h.Told = true
	return t.save(ctx, h)
}
