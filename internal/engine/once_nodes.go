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

// onceKarpenter is the same of Karpenter's objects.
type onceKarpenter struct {
	port.Karpenter
	*memory
}

// ListNodePools is port.Karpenter's.
func (o onceKarpenter) ListNodePools(ctx context.Context) ([]port.NodePool, error) {
	return list(o.memory, func() ([]port.NodePool, error) { return o.Karpenter.ListNodePools(ctx) }, "ListNodePools")
}

// ListNodeClasses is port.Karpenter's.
func (o onceKarpenter) ListNodeClasses(ctx context.Context) ([]port.NodeClass, error) {
	return list(o.memory, func() ([]port.NodeClass, error) { return o.Karpenter.ListNodeClasses(ctx) }, "ListNodeClasses")
}

// ListNodeClaims is port.Karpenter's.
func (o onceKarpenter) ListNodeClaims(ctx context.Context) ([]port.NodeClaim, error) {
	return list(o.memory, func() ([]port.NodeClaim, error) { return o.Karpenter.ListNodeClaims(ctx) }, "ListNodeClaims")
}
