package applier

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Yielding is an Executor whose work under way is taken back when a person interrupts
// the apply: nothing of it goes on where nobody looks.
type Yielding interface {
	Executor
	Yields() bool
}

// yields says that an interrupt takes a step back.
func (a *Applier) yields(s planner.Step) bool {
	ex, _ := a.Executor(s.Op)
	y, is := ex.(Yielding)
	return is && y.Yields()
}

// interrupted takes back what is under way and yields, after a person asked to stop. The
// apply stays open: who goes on with it begins such a step anew. What cannot be taken
// back is left to who goes on.
func (r *run) interrupted(ctx context.Context, res Result) (Result, error) {
	if !r.Yield || r.mode != forward || r.j == nil || res.Outcome != PausedOutcome && res.Outcome != FailedOutcome ||
		!slices.ContainsFunc(r.j.plan.Steps, func(s planner.Step) bool { return r.j.undecided(s.ID) && !r.stopped[s.ID] && r.yields(s) }) {
		return res, nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.TTL)
	defer cancel()
	back := &run{Applier: r.Applier, mode: interrupting, waiting: map[string]Attempt{}, failures: failures{stopped: r.stopped}}
	left, err := back.locked(ctx, res.ID, nil)
	switch {
	case errors.Is(err, ErrLocked), errors.Is(err, context.DeadlineExceeded): // who holds the lock goes on with it
		res.Why = append(res.Why, fmt.Sprintf("what is under way was not taken back: %v", err))
		return res, nil
	case err != nil:
		return res, err
	}
	if res.Outcome == FailedOutcome { // what failed before is told too
		left.Why = append(left.Why, res.Why...)
		left.Outcome = FailedOutcome
	}
	return left, nil
}

// tookBack tells what an interrupt took back.
func (r *run) tookBack() string {
	back := map[schema.Address]bool{}
	for _, s := range r.j.plan.Steps {
		if r.mode == interrupting && r.yields(s) && r.j.has(KindUndone, s.ID) && !r.j.undecided(s.ID) && !r.j.done(s.ID) {
			back[s.Address] = true
		}
	}
	if len(back) == 0 {
		return ""
	}
	return ", and what was under way ended: " + planner.Few(schema.Addresses(back))
}
