package engine

import (
	"context"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
)

// weighed makes a plan and, when it changes something, counts who feels it. Only
// what changes is counted, so that a plan with nothing to do asks nothing more.
func weighed(ctx context.Context, view *world.View, in planner.Input) (planner.Plan, error) {
	draft, err := planner.Make(in)
	if err != nil {
		return planner.Plan{}, err
	}
	if felt := draft.Felt(); len(felt) > 0 {
		if err := view.Weigh(ctx, felt); err != nil {
			return planner.Plan{}, err
		}
	}
	return draft.Plan(view.Impact), nil
}
