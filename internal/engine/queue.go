package engine

import (
	"context"

	"domctl.dev/applier"
	"domctl.dev/internal/world"
)

// Queue says which runs wait, and why.
func (e *Engine) Queue(ctx context.Context) (world.Queue, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.Queue{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.Queue{}, err
	}
	return e.world.LookQueue(ctx, e.Compiled.Desired, applied, e.Executions)
}
