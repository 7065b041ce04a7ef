package sim

import (
	"context"

	"domctl.dev/internal/port"
)

func (o outside) CreateLaunchTemplate(ctx context.Context, n port.NewLaunchTemplate) (string, error) {
	return note(ctx, o, "CreateLaunchTemplate", []any{n.Name, n.Configuration, n.Image}, func(ctx context.Context) (string, error) {
		return o.World.CreateLaunchTemplate(ctx, n)
	})
}

func (o outside) DeleteLaunchTemplate(ctx context.Context, id string) error {
	return effect(ctx, o, "DeleteLaunchTemplate", []any{id}, func(ctx context.Context) error { return o.World.DeleteLaunchTemplate(ctx, id) })
}

func (o outside) TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error {
	return effect(ctx, o, "TerminateInstanceInGroup", []any{id, smaller}, func(ctx context.Context) error {
		return o.World.TerminateInstanceInGroup(ctx, id, smaller)
	})
}

func (o outside) StartInstanceRefresh(ctx context.Context, r port.NewInstanceRefresh) (string, error) {
	return note(ctx, o, "StartInstanceRefresh", []any{r}, func(ctx context.Context) (string, error) { return o.World.StartInstanceRefresh(ctx, r) })
}

func (o outside) CancelInstanceRefresh(ctx context.Context, group string) error {
	return effect(ctx, o, "CancelInstanceRefresh", []any{group}, func(ctx context.Context) error { return o.World.CancelInstanceRefresh(ctx, group) })
}

func (o outside) UpdateNodegroupVersion(ctx context.Context, cluster, name, token string, version int64, force bool) (string, error) {
	return note(ctx, o, "UpdateNodegroupVersion", []any{cluster, name, version, force}, func(ctx context.Context) (string, error) {
		return o.World.UpdateNodegroupVersion(ctx, cluster, name, token, version, force)
	})
}

func (o outside) SetCordoned(ctx context.Context, node port.Node, cordoned bool, by string) error {
	return effect(ctx, o, "SetCordoned", []any{node.Name, cordoned, by}, func(ctx context.Context) error { return o.World.SetCordoned(ctx, node, cordoned, by) })
}

func (o outside) HoldDrift(ctx context.Context, pool port.NodePool, by string) error {
	return effect(ctx, o, "HoldDrift", []any{pool.Name, by}, func(ctx context.Context) error { return o.World.HoldDrift(ctx, pool, by) })
}

func (o outside) SetLimits(ctx context.Context, pool port.NodePool, limits map[string]string) error {
	return effect(ctx, o, "SetLimits", []any{pool.Name, limits}, func(ctx context.Context) error { return o.World.SetLimits(ctx, pool, limits) })
}

func (o outside) SetImageTerms(ctx context.Context, class port.NodeClass, terms, family string) error {
	return effect(ctx, o, "SetImageTerms", []any{class.Name, terms, family}, func(ctx context.Context) error { return o.World.SetImageTerms(ctx, class, terms, family) })
}

func (o outside) DeleteNodeClaim(ctx context.Context, claim port.NodeClaim) error {
	return effect(ctx, o, "DeleteNodeClaim", []any{claim.Name}, func(ctx context.Context) error { return o.World.DeleteNodeClaim(ctx, claim) })
}

func (o outside) EvictPod(ctx context.Context, pod port.Pod) error {
	return effect(ctx, o, "EvictPod", []any{pod.Namespace, pod.Name}, func(ctx context.Context) error { return o.World.EvictPod(ctx, pod) })
}
