package engine

import (
	"context"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// weighed makes a plan and, when it changes something, counts who feels it. Only
// what changes is counted, so that a plan with nothing to do asks nothing more.
func weighed(ctx context.Context, view *world.View, in planner.Input) (planner.Plan, error) {
	p, err := planner.Make(in)
	if err != nil {
		return p, err
	}
	var changed []schema.Address
	for _, c := range p.Changes {
		if c.Action == planner.ActionUpdate || c.Action == planner.ActionArchive {
			changed = append(changed, c.Address)
		}
	}
	if len(changed) == 0 {
		return p, nil
	}
	if err := view.Weigh(ctx, changed); err != nil {
		return planner.Plan{}, err
	}
	return planner.Make(in)
}
