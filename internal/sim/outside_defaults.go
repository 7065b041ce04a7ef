package sim

import "context"

func (o outside) SetDefaultEnvironment(ctx context.Context, environment string) error {
	return effect(ctx, o, "SetDefaultEnvironment", []any{environment}, func(ctx context.Context) error { return o.World.SetDefaultEnvironment(ctx, environment) })
}
