package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/build"
	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
)

// Running is a build that is under way.
type Running struct {
	Environment Environment
	Revision    world.Revision
	Status      string
	// Whose it is, for people, and whether that is who asks: by the apply that waits for
	// it, else by who saved the revision in Domino.
	Whose string
	Own   bool
	// Apply waits for it; "" where none of this deployment does.
	Apply string
}

// lookedAt is how many of an environment's newest revisions may be under way.
const lookedAt = 10

// Running finds the newest build of an environment that is under way.
func (e *Engine) Running(ctx context.Context, of Environment) (r Running, err error) {
	if e.Domino == nil {
		return r, errNoAPI
	}
	listed, err := e.Domino.ListRevisions(ctx, of.ID)
	if err != nil {
		return r, err
	}
	for _, rev := range listed[:min(len(listed), lookedAt)] {
		b, err := e.Domino.GetBuild(ctx, of.ID, rev.ID)
		if err != nil {
			return r, err
		}
		if over(b.Status) || b.Status == "" {
			continue
		}
		r = Running{Environment: of, Status: b.Status, Revision: world.Revision{ID: rev.ID, Number: rev.Number, Created: rev.Created}}
		if known, err := of.Revision(rev.Number, of.ID); err == nil && known.ID == rev.ID {
			r.Revision = known
		}
		return r, e.whose(ctx, &r, b.Tags)
	}
	return r, fmt.Errorf("DC372: no build of %s is under way", planner.Printable(of.Name))
}

// whose tells whose build it is.
func (e *Engine) whose(ctx context.Context, r *Running, tags []string) error {
	id, by, err := e.waiter(ctx, tags)
	if err != nil {
		return err
	}
	if id != "" {
		r.Apply, r.Whose = id, fmt.Sprintf("apply %s of %s", id, planner.Printable(by))
		r.Own = login(by) == login(e.Holder)
		return nil
	}
	me, err := e.Domino.DominoUser(ctx)
	if err != nil {
		return err
	}
	r.Whose, r.Own = "nobody that domctl knows", false
	if author := r.Revision.Author; author != "" {
		r.Whose, r.Own = planner.Printable(author)+", who saved it in Domino", author == me
	}
	return nil
}

// waiter is the apply that has not ended and waits for the build of a revision with these
// tags, and whose it is; "" where none does.
func (e *Engine) waiter(ctx context.Context, tags []string) (id, by string, err error) {
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil {
		return "", "", err
	}
	for _, id := range open {
		s, err := e.Applier.Summary(ctx, id)
		if err != nil {
			return "", "", err
		}
		if s.Plan != nil && build.Made(s, tags) {
			return id, s.Records[len(s.Records)-1].By, nil
		}
	}
	return "", "", nil
}

// login is who a holder is: "ada" of "ada@host pid 4711".
func login(holder string) string { before, _, _ := strings.Cut(holder, "@"); return before }

// CancelBuild ends a build. The records say so before Domino is asked, and what became of
// it after: its state then.
func (e *Engine) CancelBuild(ctx context.Context, r Running) (status string, err error) {
	if e.keyless != nil {
		return "", fmt.Errorf("DC513: the state store cannot be written, so nothing can be cancelled: %w", e.keyless)
	}
	became, err := e.Applier.Cancelling(ctx, applier.Cancel{Environment: r.Environment.ID, Name: r.Environment.Name, Revision: r.Revision.Number, Whose: r.Whose})
	if err != nil {
		return "", err
	}
	ctx = context.WithoutCancel(ctx)
	err = e.Domino.CancelBuild(ctx, r.Environment.ID, r.Revision.ID)
	b, noBuild := e.Domino.GetBuild(ctx, r.Environment.ID, r.Revision.ID)
	switch {
	case err == nil && noBuild == nil:
		return b.Status, became(ctx, b.Status)
	case errors.Is(err, port.ErrState) && noBuild == nil && over(b.Status): // it ended before
		return b.Status, became(ctx, b.Status+", before it was cancelled")
	case err == nil:
		err = fmt.Errorf("it was asked to, and what became of it is not known: %w", noBuild)
	}
	return "", errors.Join(fmt.Errorf("the build of revision %d: %w", r.Revision.Number, err), became(ctx, planner.Printable(err.Error())))
}
