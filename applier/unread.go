package applier

import (
	"errors"
	"slices"

	"domctl.dev/planner"
)

// Unread is the error of a read that answered all but some objects: of those nobody knows
// what stands, and the steps of others can go on.
type Unread struct {
	Refs []planner.Ref
	Err  error
}

func (u *Unread) Error() string { return u.Err.Error() }

// Unwrap gives the reason.
func (u *Unread) Unwrap() error { return u.Err }

// holdsUp says that a step writes, or rests on, what was not read.
func (u *Unread) holdsUp(s planner.Step) bool {
	return slices.Contains(u.Refs, s.Object) || slices.ContainsFunc(s.Expects, func(e planner.Expect) bool { return slices.Contains(u.Refs, e.Ref) })
}

// spared fails the steps that rest on what could not be read, so that the others go on;
// it answers any other error, and this one where nothing else is left to do.
func (r *run) spared(err error) error {
	var unread *Unread
	if !errors.As(err, &unread) {
		return err
	}
	var stuck []planner.Step
	others := false
	for _, s := range r.j.plan.Steps {
		switch {
		case r.j.done(s.ID), r.mode != forward && !r.j.undecided(s.ID):
		case unread.holdsUp(r.j.resolve(s)):
			stuck = append(stuck, s)
		default:
			others = true
		}
	}
	if !others && len(stuck) > 0 {
		return err
	}
	for _, s := range stuck {
		r.fail(s, err)
	}
	return nil
}
