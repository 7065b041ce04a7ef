package engine

import (
	"context"

	"golang.org/x/sync/errgroup"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// foretold makes a plan and, when it changes something, counts who feels it; when
// it bakes, it says what new nodes will pull. A plan that does neither asks nothing
// more.
func (e *Engine) foretold(ctx context.Context, view *world.View, in planner.Input) (planner.Plan, error) {
	draft, err := planner.Make(in)
	if err != nil {
		return planner.Plan{}, err
	}
	group, within := errgroup.WithContext(ctx)
	if felt := draft.Felt(); len(felt) > 0 {
		group.Go(func() error { return view.Weigh(within, felt) })
	}
	var forecast []planner.Foretold
	var findings []schema.Finding
	if baked := draft.Baked(); len(baked) > 0 {
		group.Go(func() (err error) { forecast, findings, err = e.foretell(within, view, baked); return err })
	}
	if err := group.Wait(); err != nil {
		return planner.Plan{}, err
	}
	draft.Foretell(forecast, findings)
	return draft.Plan(view.Impact), nil
}
