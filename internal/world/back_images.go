package world

import (
	"context"
	"errors"
	"fmt"

	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// An image that an apply made and that others came to hold is deprecated by the way
// back from it, and not taken away.

// holdersOf says who holds images that an apply made, beside what starts machines here:
// files, of other deployments too, and whom an image is shared with, unless the way
// back takes that away. except is the apply that asks.
func (w *World) holdersOf(ctx context.Context, except string, images []planner.Ref) (map[planner.Ref][]planner.Use, error) {
	out := map[planner.Ref][]planner.Use{}
	if len(images) == 0 {
		return out, nil
	}
	held := Held{}
	if w.Held != nil {
		var err error
		if held, err = w.Held(ctx, except); err != nil {
			return nil, err
		}
	}
	var permissions []string
	for _, r := range images {
		region, _, image := w.standing(planner.Step{Object: r})
		permissions = append(permissions, region+"/"+image.ID())
		for _, says := range held.Named[image.ID()] {
			out[r] = append(out[r], planner.Use{Says: says})
		}
	}
	shared, err := each(permissions, func(id string) (port.LaunchPermission, error) {
		region, image := cutID(id)
		p, err := w.in(region).DescribeLaunchPermission(ctx, image)
		if errors.Is(err, port.ErrNotFound) {
			return port.LaunchPermission{}, nil // gone, so that nobody holds it
		}
		return p, err
	})
	if err != nil {
		return nil, fmt.Errorf("who else holds images: %w", err)
	}
	for n, r := range images {
		for _, says := range sharedWith(shared[n]) {
			u := planner.Use{Says: says}
			if !shared[n].Public && shared[n].Others == 0 {
				region, image := cutID(permissions[n])
				u.Object, u.Path, u.Value = permissionRef(region, image), "accounts", schema.JSON(listOf(shared[n].Accounts))
			}
			out[r] = append(out[r], u)
		}
	}
	return out, nil
}

// keepImage deprecates an image rather than deregister it: what holds it starts from it
// on.
func (v *View) keepImage(deregister planner.Step) []planner.Step {
	s := deregister
	s.Op, s.Irreversible = operation.EnableImageDeprecation, ""
	s.Args, s.Writes = map[string]schema.Value{"kept": schema.JSON(true)}, map[string]schema.Value{"deprecates": schema.JSON(true)}
	s.Expects = append(s.Expects[:len(s.Expects):len(s.Expects)], planner.Expect{Ref: s.Object, Path: "deprecates"})
	return []planner.Step{s}
}
