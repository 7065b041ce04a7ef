package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// Capacity says what the pools of the deployment hold of each tier, and what runs of the
// window needed.
func (e *Engine) Capacity(ctx context.Context, window time.Duration) (world.Capacity, error) {
	if _, err := e.world.Identity(ctx); err != nil {
		return world.Capacity{}, err
	}
	applied, _, err := applier.ReadApplied(ctx, e.Store, e.Applier.Deployment)
	if err != nil {
		return world.Capacity{}, err
	}
	view, err := e.world.LookCapacity(ctx, e.Compiled.Desired, applied, e.Clock.Now().Add(-window))
	if err != nil {
		return world.Capacity{}, err
	}
	return view.Reckon(), nil
}

// nearlyFull are the pools that were nearly full at their peak in the window; none where
// the files do not say where runs name their tier.
func (e *Engine) nearlyFull(ctx context.Context, window time.Duration) ([]schema.Finding, error) {
	if e.Compiled.Desired.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"] == "" {
		return nil, nil
	}
	c, err := e.Capacity(ctx, window)
	if err == nil && c.NoPeak != "" {
		err = errors.New(c.NoPeak)
	}
	return slices.DeleteFunc(c.Findings, func(f schema.Finding) bool { return f.Code != "DC804" }), err
}
