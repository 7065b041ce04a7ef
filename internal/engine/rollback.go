package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// RollbackOptions name what to take back; zero means the last apply that did
// something, all of it.
type RollbackOptions struct {
	To              string    // this apply and no other; "last" is the one that zero means
	Before          time.Time // every apply that began at this time or later
	Target, Exclude []string  // addresses or patterns of path.Match
	// End is asked before an apply that has not ended is ended: what it began is finished
	// or taken back then, whatever becomes of the rollback. nil: nobody is asked.
	End func(context.Context, applier.Summary) error
}

// ErrNothingToTakeBack is answered when no apply is left that a rollback is for.
var ErrNothingToTakeBack = errors.New("DC422: there is no apply to take back; see domctl history")

// Rollbacks are the applies to take back, each by a plan of its own, latest
// first. What is not named is the last apply, and never the one before it: a job
// that runs again must not walk backwards.
func (e *Engine) Rollbacks(ctx context.Context, o RollbackOptions) (ids []string, err error) {
	if o.To != "" && o.To != "last" {
		return []string{o.To}, nil
	}
	points, err := e.RestorePoints(ctx)
	if err != nil {
		return nil, err
	}
	if o.Before.IsZero() && len(points) > 0 {
		last := points[0]
		if last.Whole() {
			return nil, fmt.Errorf("DC423: the last apply, %s, was taken back by %s; --to APPLY or --before TIME go further back, plan --unlatch and apply have it again",
				last.ID, strings.Join(last.TakenBack, ", "))
		}
		return []string{last.ID}, nil
	}
	for _, p := range points {
		if !p.Whole() && !p.At.Before(o.Before) {
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, ErrNothingToTakeBack
	}
	return ids, nil
}

// Rollback plans the way back from one apply, as far as it was not taken back
// yet. Steps of it that were begun and are undecided are settled first, once: one
// that was undecided when the apply ended stays so.
func (e *Engine) Rollback(ctx context.Context, id string, o RollbackOptions) (planner.Plan, error) {
	for settled := false; ; settled = true {
		p, err := e.wayBack(ctx, id, o) // by the records as they are by now
		switch {
		case errors.Is(err, errOpen) && settled:
			return p, fmt.Errorf("DC319: apply %s: %w; run the rollback again", id, err)
		case errors.Is(err, applier.ErrUndecided) && settled:
			return p, unsettled(id, err)
		case !errors.Is(err, errOpen) && !errors.Is(err, applier.ErrUndecided):
			return p, err
		}
		if err := e.mayEnd(ctx, id, o); err != nil {
			return planner.Plan{}, err
		}
		if err := e.settle(ctx, id); err != nil {
			return planner.Plan{}, err
		}
	}
}

func (e *Engine) mayEnd(ctx context.Context, id string, o RollbackOptions) error {
	if o.End == nil {
		return nil
	}
	s, err := e.Applier.Summary(ctx, id)
	if err != nil || s.Outcome == applier.EndedOutcome {
		return err
	}
	return o.End(ctx, s)
}

// unsettled says how to go on from an apply that ended with a step undecided.
func unsettled(id string, err error) error {
	var u *applier.Undecided
	if !errors.As(err, &u) {
		return err
	}
	var exclude string
	for _, a := range u.Addresses() {
		exclude += " --exclude '" + a.String() + "'"
	}
	return fmt.Errorf("DC319: apply %s ended while nobody could tell what became of %s; set it by hand, domctl history show %[1]s says what it held before, and take back the rest: domctl rollback --to %[1]s%[3]s: %[4]w",
		id, planner.Few(u.Addresses()), exclude, err)
}

// errOpen is answered for an apply that has not ended.
var errOpen = errors.New("it has not ended")

// wayBack reads *applied* before the history: an apply that comes in between moves
// it, and the plan is refused.
func (e *Engine) wayBack(ctx context.Context, id string, o RollbackOptions) (planner.Plan, error) {
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return planner.Plan{}, err
	}
	history, err := e.past(ctx)
	if err != nil {
		return planner.Plan{}, err
	}
	i, err := mayTakeBack(history, id)
	if err != nil {
		return planner.Plan{}, err
	}
	s, err := e.Applier.Snapshot(ctx, id)
	var undecided *applier.Undecided
	switch {
	case err == nil && s.Open:
		return planner.Plan{}, errOpen
	case err != nil && (s.Open || !errors.As(err, &undecided)):
		return planner.Plan{}, err
	}
	if s, err = narrow(s, history[i], o); err != nil {
		return planner.Plan{}, err
	}
	if undecided != nil && slices.ContainsFunc(undecided.Addresses(), func(a schema.Address) bool { return slices.Contains(s.Addresses(), a) }) {
		return planner.Plan{}, undecided
	}
	s.Applied, s.Later = applied, later(s.Addresses(), history[:i])
	return e.restore(ctx, s)
}

// narrow keeps a snapshot to the addresses that are chosen and that no rollback
// took back.
func narrow(s planner.Snapshot, p Past, o RollbackOptions) (planner.Snapshot, error) {
	there := s.Addresses()
	choose, err := PlanOptions{Target: o.Target, Exclude: o.Exclude}.selector(there)
	if err != nil {
		return s, err
	}
	left := map[schema.Address]bool{}
	var taken []string
	for _, a := range there {
		switch {
		case choose != nil && !choose(a):
		case p.back[a] != "":
			taken = append(taken, a.String()+" by "+p.back[a])
		default:
			left[a] = true
		}
	}
	if len(left) == 0 && len(taken) > 0 {
		return s, fmt.Errorf("DC423: of apply %s, all that is chosen was taken back: %s; to have it again, plan with --unlatch and apply", p.ID, strings.Join(taken, ", "))
	}
	return s.Only(func(a schema.Address) bool { return left[a] }), nil
}

// latest refuses a rollback where an apply has set an address of it since it was
// planned. *applied* does not show one that came to the same, as a name that went and
// came back.
func (e *Engine) latest(ctx context.Context, p planner.Plan) error {
	history, err := e.past(ctx)
	if err != nil {
		return err
	}
	i, err := mayTakeBack(history, p.Restores)
	if err != nil {
		return err
	}
	set := later(p.Addresses(), history[:i])
	if all := schema.Addresses(set); len(all) > 0 {
		return fmt.Errorf("DC424: %s: apply %s has set it since the rollback was planned; plan it again", all[0], set[all[0]])
	}
	return nil
}

// later finds the last of the applies after one that set each address, and that was
// not taken back: the former entry is not the one to go back to then.
func later(addresses []schema.Address, after []Past) map[schema.Address]string {
	out := map[schema.Address]string{}
	for _, a := range addresses {
		for _, p := range after {
			if p.RestorePoint() && slices.Contains(p.Left, a) {
				out[a] = p.ID
				break
			}
		}
	}
	return out
}

// visibility is how long after its last write the outside may still answer as
// before an apply: the longest window of its steps.
func visibility(s planner.Snapshot) time.Duration {
	most := 0
	for _, d := range s.Done {
		most = max(most, d.Step.Window)
	}
	return time.Duration(most) * time.Second
}

// restore looks until the reads must show all that the apply did: one that lags
// would take what was done for undone.
func (e *Engine) restore(ctx context.Context, s planner.Snapshot) (planner.Plan, error) {
	for {
		began := e.Clock.Now()
		view, err := e.world.LookBack(ctx, s)
		if err != nil {
			return planner.Plan{}, err
		}
		p, standing, err := planner.Restore(s, view, e.Source, e.newID())
		p.Findings = schema.SortFindings(append(p.Findings, view.Findings...))
		if err == nil {
			err = errors.Join(view.Name(ctx, p.Changes), view.NameIn(ctx, p.Findings))
		}
		age := began.Sub(s.At)
		if err != nil || !standing || age < 0 || age > visibility(s) {
			return p, err
		}
		if e.Report != nil {
			e.Report(applier.Event{Kind: applier.KindWaiting, Most: visibility(s) - age, At: began,
				Why: "the apply is young, and reads may not show all of it yet; looking again"})
		}
		if err := e.Clock.Sleep(ctx, time.Second); err != nil {
			return planner.Plan{}, err
		}
	}
}

// mayTakeBack finds an apply, and refuses a rollback, and an apply that was taken
// back whole.
func mayTakeBack(history []Past, id string) (int, error) {
	i := slices.IndexFunc(history, func(p Past) bool { return p.ID == id })
	switch {
	case i < 0:
		return i, fmt.Errorf("DC314: there is no apply %s; domctl history shows those there are", id)
	case history[i].Plan == nil: // the snapshot says that it never began
	case history[i].Plan.Restores != "":
		return i, fmt.Errorf("DC423: %s is itself a rollback; to have back what it took, plan with --unlatch and apply", id)
	case history[i].Whole():
		return i, fmt.Errorf("DC423: apply %s was taken back by %s; to have it again, plan with --unlatch and apply", id, strings.Join(history[i].TakenBack, ", "))
	}
	return i, nil
}

// settle ends an apply none of whose steps is undecided after it.
func (e *Engine) settle(ctx context.Context, id string) error {
	res, err := e.Applier.Settle(ctx, id)
	if err == nil && res.Outcome != applier.EndedOutcome {
		err = fmt.Errorf("DC319: apply %s cannot be settled: %s", id, strings.Join(res.Why, "; "))
	}
	return err
}
