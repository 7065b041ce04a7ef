package engine

import (
	"context"

	"domctl.dev/applier"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Collect finds what applies of this deployment left behind, and plans to remove what
// is proven to be left. The plan is applied, and gone on with, as any other.
func (e *Engine) Collect(ctx context.Context) ([]world.Leftover, planner.Plan, error) {
	if schema.Stops(e.Compiled.Findings) {
		return nil, planner.Plan{}, &Invalid{e.Compiled.Findings}
	}
	identity, err := e.world.Identity(ctx)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	left, err := e.world.Leftovers(ctx, applied)
	if err != nil {
		return nil, planner.Plan{}, err
	}
	p, err := planner.Collect(planner.Input{Desired: e.Compiled.Desired, Applied: applied, World: identity, Lineage: e.Applier.Lineage, Source: e.Source, ID: e.newID()}, e.world.Remove(left))
	return left, p, err
}
