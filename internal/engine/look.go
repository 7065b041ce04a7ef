package engine

import (
	"context"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
)

// AgedAMI is an entry of amis: how old its image is, and the images that it caches.
type AgedAMI struct {
	world.Aged
	Holds []string
}

// Look is Plan, and what it saw of the entries of amis on the way: nothing more is
// asked.
func (e *Engine) Look(ctx context.Context, o PlanOptions) (planner.Plan, []AgedAMI, error) {
	p, now, err := e.planned(ctx, o)
	if err != nil {
		return p, nil, err
	}
	var all []AgedAMI
	for _, a := range now.view.Aged() {
		all = append(all, AgedAMI{a, world.NamedImages(now.applied.Entries[a.AMI].Fields)})
	}
	return p, all, nil
}
