package sim

import (
	"context"

	"domctl.dev/internal/port"
)

func (o outside) CreateTier(ctx context.Context, tier port.Document) error {
	return effect(ctx, o, "CreateTier", []any{tier}, func(ctx context.Context) error { return o.World.CreateTier(ctx, tier) })
}

func (o outside) UpdateTier(ctx context.Context, id, at string, set port.Document, unset []string) (bool, error) {
	return note(ctx, o, "UpdateTier", []any{id, set, unset}, func(ctx context.Context) (bool, error) { return o.World.UpdateTier(ctx, id, at, set, unset) })
}

func (o outside) ArchiveTier(ctx context.Context, id string) error {
	return effect(ctx, o, "ArchiveTier", []any{id}, func(ctx context.Context) error { return o.World.ArchiveTier(ctx, id) })
}

func (o outside) CreateSetting(ctx context.Context, namespace, key, value string) error {
	return effect(ctx, o, "CreateSetting", []any{namespace, key}, func(ctx context.Context) error { return o.World.CreateSetting(ctx, namespace, key, value) })
}

func (o outside) UpdateSetting(ctx context.Context, was port.Setting, value string) (bool, error) {
	return note(ctx, o, "UpdateSetting", []any{was.Key, value}, func(ctx context.Context) (bool, error) { return o.World.UpdateSetting(ctx, was, value) })
}

func (o outside) DeleteSetting(ctx context.Context, id string) error {
	return effect(ctx, o, "DeleteSetting", []any{id}, func(ctx context.Context) error { return o.World.DeleteSetting(ctx, id) })
}
