package engine

import (
	"context"

	"domctl.dev/applier"
	"domctl.dev/internal/world"
)

// CensusOfNodes says which machines there are, and what is on them.
func (e *Engine) CensusOfNodes(ctx context.Context) (world.NodeCensus, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.NodeCensus{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.NodeCensus{}, err
	}
	return e.world.LookNodes(ctx, e.Compiled.Desired, applied, e.Executions)
}

// Node says all there is to know of one machine, by the name of its node or its EC2 id.
func (e *Engine) Node(ctx context.Context, name string) (world.Node, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.Node{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.Node{}, err
	}
	return e.world.LookNode(ctx, e.Compiled.Desired, applied, e.Executions, name)
}

// CensusOfRuns says which runs are live, and where.
func (e *Engine) CensusOfRuns(ctx context.Context) (world.RunCensus, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.RunCensus{}, err
	}
	return e.world.LookRuns(ctx, e.Executions)
}
