package engine

import (
	"context"
	"fmt"

	"domctl.dev/applier"
	"domctl.dev/internal/world"
)

// AMIs are the executor images of the account in the deployment's region, newest
// first, with all that refers to each. It writes nothing.
func (e *Engine) AMIs(ctx context.Context) ([]world.AMI, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return nil, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return nil, err
	}
	held, err := e.held(ctx, "")
	if err != nil {
		return nil, err
	}
	return e.world.AMIs(ctx, applied, held)
}

// AMI is one of AMIs, by its id, its name, or the entry of the files that it stands
// for.
func (e *Engine) AMI(ctx context.Context, name string) (world.AMI, error) {
	all, err := e.AMIs(ctx)
	if err != nil {
		return world.AMI{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.AMI{}, err
	}
	if a, found := world.OneAMI(all, applied, name); found {
		return a, nil
	}
	return world.AMI{}, fmt.Errorf("%s is no executor AMI of this account and region; domctl amis list shows those there are", name)
}
