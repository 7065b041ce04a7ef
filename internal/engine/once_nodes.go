package engine

import (
	"context"

	"domctl.dev/internal/port"
	"domctl.dev/internal/world"
)

// onceNodes are a cluster's as they stood at the first look, as once is of the rest.
type onceNodes struct {
	world.LiveNodes
	*memory
}

// ListNodes is world.LiveNodes'.
func (o onceNodes) ListNodes(ctx context.Context) ([]port.Node, error) {
	return list(o.memory, func() ([]port.Node, error) { return o.LiveNodes.ListNodes(ctx) }, "ListNodes")
}

// ListPods is world.LiveNodes'.
func (o onceNodes) ListPods(ctx context.Context, node string) ([]port.Pod, error) {
	return list(o.memory, func() ([]port.Pod, error) { return o.LiveNodes.ListPods(ctx, node) }, "ListPods", node)
}
