package sim

import (
	"context"

	"domctl.dev/internal/port"
)

func (o outside) SetCordoned(ctx context.Context, node port.Node, cordoned bool, by string) error {
	return effect(ctx, o, "SetCordoned", []any{node.Name, cordoned}, func(ctx context.Context) error { return o.World.SetCordoned(ctx, node, cordoned, by) })
}

func (o outside) EvictPod(ctx context.Context, pod port.Pod) error {
	return effect(ctx, o, "EvictPod", []any{pod.Namespace, pod.Name}, func(ctx context.Context) error { return o.World.EvictPod(ctx, pod) })
}
