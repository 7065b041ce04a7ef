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
