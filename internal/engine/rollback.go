package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// RollbackOptions name what to take back; zero means the last apply, all of it.
type RollbackOptions struct {
	To              string    // this apply and no other
	Before          time.Time // every apply that began at this time or later
	Target, Exclude []string  // addresses or patterns of path.Match
}

// ErrNothingToTakeBack is answered when no apply is left that a rollback is for.
var ErrNothingToTakeBack = errors.New("DC422: there is no apply to take back; see domctl history")

// Rollbacks are the applies to take back, each by a plan of its own, latest
// first.
func (e *Engine) Rollbacks(ctx context.Context, o RollbackOptions) ([]string, error) {
	if o.To != "" {
		return []string{o.To}, nil
	}
	points, err := e.RestorePoints(ctx)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, p := range points {
		switch {
		case p.Whole:
		case o.Before.IsZero():
			return []string{p.ID}, nil
		case !p.At.Before(o.Before):
			ids = append(ids, p.ID)
		}
	}
	if len(ids) == 0 {
		return nil, ErrNothingToTakeBack
	}
	return ids, nil
}

// Rollback plans the way back from one apply. Steps of it that were begun and
// are undecided are settled first.
func (e *Engine) Rollback(ctx context.Context, id string, o RollbackOptions) (planner.Plan, error) {
	if err := e.mayTakeBack(ctx, id); err != nil {
		return planner.Plan{}, err
	}
	s, err := e.settled(ctx, id)
	if err != nil {
		return planner.Plan{}, err
	}
	choose, err := PlanOptions{Target: o.Target, Exclude: o.Exclude}.selector(schema.Addresses(s.Former))
	if err != nil {
		return planner.Plan{}, err
	}
	if choose != nil {
		s = narrow(s, choose)
	}
	return e.restore(ctx, s)
}

// visibility is how long after a write the outside may still answer as before it.
const visibility = 45 * time.Second

// restore looks until the reads must show all that the apply did: one that lags
// would take what was done for undone.
func (e *Engine) restore(ctx context.Context, s planner.Snapshot) (planner.Plan, error) {
	for {
		began := e.Clock.Now()
		view, err := e.world.LookBack(ctx, s)
		if err != nil {
			return planner.Plan{}, err
		}
		p, err := planner.Restore(s, view, e.Source, e.newID())
		age := began.Sub(s.At)
		if err != nil || !p.Standing() || age < 0 || age > visibility {
			return p, err
		}
		if e.Report != nil {
			e.Report(applier.Event{Kind: applier.KindWaiting, Most: visibility - age, At: began,
				Why: "the apply is young, and reads may not show all of it yet; looking again"})
		}
		if err := e.Clock.Sleep(ctx, time.Second); err != nil {
			return planner.Plan{}, err
		}
	}
}

// mayTakeBack refuses a rollback, and an apply that was taken back whole.
func (e *Engine) mayTakeBack(ctx context.Context, id string) error {
	all, err := e.Applier.History(ctx)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(s applier.Summary) bool { return s.ID == id })
	switch {
	case i < 0:
		return fmt.Errorf("DC314: there is no apply %s; domctl history shows those there are", id)
	case all[i].Plan == nil:
		return nil // the snapshot says that it never began
	case all[i].Plan.Restores != "":
		return fmt.Errorf("DC423: %s is itself a rollback; to have back what it took, plan with --unlatch and apply", id)
	}
	if p := restorePoint(all[i], all); p.Whole && len(p.TakenBack) > 0 {
		return fmt.Errorf("DC423: apply %s was taken back by %s; to have it again, plan with --unlatch and apply", id, strings.Join(p.TakenBack, ", "))
	}
	return nil
}

// settled is the snapshot of an apply none of whose steps is undecided.
func (e *Engine) settled(ctx context.Context, id string) (planner.Snapshot, error) {
	s, err := e.Applier.Snapshot(ctx, id)
	if !errors.Is(err, applier.ErrUndecided) && (err != nil || !s.Open) {
		return s, err
	}
	if err := e.settle(ctx, id); err != nil {
		return s, err
	}
	return e.Applier.Snapshot(ctx, id)
}

func (e *Engine) settle(ctx context.Context, id string) error {
	res, err := e.Applier.Settle(ctx, id)
	if err == nil && res.Outcome != applier.EndedOutcome {
		err = fmt.Errorf("DC319: apply %s cannot be settled: %s", id, strings.Join(res.Why, "; "))
	}
	return err
}

// narrow keeps a snapshot to some addresses.
func narrow(s planner.Snapshot, choose func(schema.Address) bool) planner.Snapshot {
	not := func(a schema.Address) bool { return !choose(a) }
	s.Done = slices.DeleteFunc(slices.Clone(s.Done), func(d planner.Done) bool { return not(d.Step.Address) })
	s.Former, s.Content = maps.Clone(s.Former), maps.Clone(s.Content)
	maps.DeleteFunc(s.Former, func(a schema.Address, _ *schema.Entry) bool { return not(a) })
	maps.DeleteFunc(s.Content, func(a schema.Address, _ string) bool { return not(a) })
	return s
}
