package sim

import (
	"context"

	"domctl.dev/internal/port"
)

func (o outside) CreateEnvironment(ctx context.Context, e port.NewEnvironment) (string, error) {
	return note(ctx, o, "CreateEnvironment", []any{e.Name, e.First.Tags}, func(ctx context.Context) (string, error) { return o.World.CreateEnvironment(ctx, e) })
}

func (o outside) ArchiveEnvironment(ctx context.Context, environment string) error {
	return effect(ctx, o, "ArchiveEnvironment", []any{environment}, func(ctx context.Context) error { return o.World.ArchiveEnvironment(ctx, environment) })
}

func (o outside) ShareEnvironment(ctx context.Context, environment, visibility, owner string) error {
	return effect(ctx, o, "ShareEnvironment", []any{environment, visibility, owner}, func(ctx context.Context) error {
		return o.World.ShareEnvironment(ctx, environment, visibility, owner)
	})
}
