package sim

import (
	"context"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
)

func (o outside) In(region string) port.Region {
	there := o
	there.World = o.World.In(region).(*sandbox.World)
	return there
}

func (o outside) RunInstance(ctx context.Context, n port.NewInstance) (string, error) {
	return note(ctx, o, "RunInstance", []any{n}, func(ctx context.Context) (string, error) { return o.World.RunInstance(ctx, n) })
}

func (o outside) StartInstance(ctx context.Context, id string) error {
	return effect(ctx, o, "StartInstance", []any{id}, func(ctx context.Context) error { return o.World.StartInstance(ctx, id) })
}

func (o outside) StopInstance(ctx context.Context, id string) error {
	return effect(ctx, o, "StopInstance", []any{id}, func(ctx context.Context) error { return o.World.StopInstance(ctx, id) })
}

func (o outside) TerminateInstance(ctx context.Context, id string) error {
	return effect(ctx, o, "TerminateInstance", []any{id}, func(ctx context.Context) error { return o.World.TerminateInstance(ctx, id) })
}

func (o outside) CreateImage(ctx context.Context, n port.NewImage) (string, error) {
	return note(ctx, o, "CreateImage", []any{n}, func(ctx context.Context) (string, error) { return o.World.CreateImage(ctx, n) })
}

func (o outside) CopyImage(ctx context.Context, c port.ImageCopy) (string, error) {
	return note(ctx, o, "CopyImage", []any{c}, func(ctx context.Context) (string, error) { return o.World.CopyImage(ctx, c) })
}

func (o outside) ModifyLaunchPermission(ctx context.Context, image string, add, remove []string) error {
	return effect(ctx, o, "ModifyLaunchPermission", []any{image, add, remove}, func(ctx context.Context) error {
		return o.World.ModifyLaunchPermission(ctx, image, add, remove)
	})
}

func (o outside) CreateTags(ctx context.Context, ids []string, tags map[string]string) error {
	return effect(ctx, o, "CreateTags", []any{ids, tags}, func(ctx context.Context) error { return o.World.CreateTags(ctx, ids, tags) })
}

func (o outside) DeleteTags(ctx context.Context, ids []string, keys []string) error {
	return effect(ctx, o, "DeleteTags", []any{ids, keys}, func(ctx context.Context) error { return o.World.DeleteTags(ctx, ids, keys) })
}

func (o outside) EnableImageDeprecation(ctx context.Context, image string, at time.Time) error {
	return effect(ctx, o, "EnableImageDeprecation", []any{image, at}, func(ctx context.Context) error { return o.World.EnableImageDeprecation(ctx, image, at) })
}

func (o outside) DisableImageDeprecation(ctx context.Context, image string) error {
	return effect(ctx, o, "DisableImageDeprecation", []any{image}, func(ctx context.Context) error { return o.World.DisableImageDeprecation(ctx, image) })
}

func (o outside) DeregisterImage(ctx context.Context, image string) ([]string, error) {
	return note(ctx, o, "DeregisterImage", []any{image}, func(ctx context.Context) ([]string, error) { return o.World.DeregisterImage(ctx, image) })
}

func (o outside) DeleteSnapshot(ctx context.Context, id string) error {
	return effect(ctx, o, "DeleteSnapshot", []any{id}, func(ctx context.Context) error { return o.World.DeleteSnapshot(ctx, id) })
}

func (o outside) DeleteVolume(ctx context.Context, id string) error {
	return effect(ctx, o, "DeleteVolume", []any{id}, func(ctx context.Context) error { return o.World.DeleteVolume(ctx, id) })
}

// RunScript counts as a write when it changes the machine's disk.
func (o outside) RunScript(ctx context.Context, m port.Machine, s port.Script) (port.Output, error) {
	return note(ctx, o, "RunScript", []any{m.ID, s.Text}, func(ctx context.Context) (port.Output, error) { return o.World.RunScript(ctx, m, s) })
}
