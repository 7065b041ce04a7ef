package engine

import (
	"context"
	"slices"

	"domctl.dev/internal/port"
)

// onceDomino is Domino's API as it stood at the first look, as once is of the rest.
type onceDomino struct {
	port.Domino
	*memory
}

// ListRevisions is port.Environments'.
func (o onceDomino) ListRevisions(ctx context.Context, environment string) ([]port.Revision, error) {
	return list(o.memory, func() ([]port.Revision, error) { return o.Domino.ListRevisions(ctx, environment) }, "ListRevisions", environment)
}

// GetBuild is port.Environments'.
func (o onceDomino) GetBuild(ctx context.Context, environment, revision string) (port.Build, error) {
	return recall(o.memory, func() (port.Build, error) { return o.Domino.GetBuild(ctx, environment, revision) }, "GetBuild", environment, revision)
}

// GetDefinition is port.Environments'.
func (o onceDomino) GetDefinition(ctx context.Context, revision string) (port.Definition, error) {
	return recall(o.memory, func() (port.Definition, error) { return o.Domino.GetDefinition(ctx, revision) }, "GetDefinition", revision)
}

// ListFollowers is port.Environments'.
func (o onceDomino) ListFollowers(ctx context.Context, environment string) ([]port.Follower, error) {
	return list(o.memory, func() ([]port.Follower, error) { return o.Domino.ListFollowers(ctx, environment) }, "ListFollowers", environment)
}

// DefaultEnvironment is port.Environments'.
func (o onceDomino) DefaultEnvironment(ctx context.Context) (string, error) {
	return recall(o.memory, func() (string, error) { return o.Domino.DefaultEnvironment(ctx) }, "DefaultEnvironment")
}

// ListTiers is port.Tiers'.
func (o onceDomino) ListTiers(ctx context.Context) (port.TierList, error) {
	all, err := recall(o.memory, func() (port.TierList, error) { return o.Domino.ListTiers(ctx) }, "ListTiers")
	all.Tiers = slices.Clone(all.Tiers)
	return all, err
}

// ListSettings is port.CentralConfig's.
func (o onceDomino) ListSettings(ctx context.Context) ([]port.Setting, error) {
	return list(o.memory, func() ([]port.Setting, error) { return o.Domino.ListSettings(ctx) }, "ListSettings")
}

// ListExecutions is port.Executions'.
func (o onceDomino) ListExecutions(ctx context.Context) ([]port.Execution, error) {
	return list(o.memory, func() ([]port.Execution, error) { return o.Domino.ListExecutions(ctx) }, "ListExecutions")
}
