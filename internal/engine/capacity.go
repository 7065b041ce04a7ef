package engine

import (
	"context"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/world"
)

// Capacity says what the pools of the deployment hold of each tier, and what runs of the
// window needed.
func (e *Engine) Capacity(ctx context.Context, window time.Duration) (world.Capacity, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.Capacity{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.Capacity{}, err
	}
	view, err := e.world.LookCapacity(ctx, e.Compiled.Desired, applied, e.Clock.Now().Add(-window))
	if err != nil {
		return world.Capacity{}, err
	}
	return view.Reckon(), nil
}
