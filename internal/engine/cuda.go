package engine

import (
	"context"
	"fmt"
	"slices"

	"domctl.dev/internal/lint"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// cuda compares the CUDA of base images with the drivers of the nodes that environments
// really ran on, in a plan that builds or bakes. What it says of an environment takes the
// place of what the files alone let suspect (DC717); one that did not run keeps that.
func (e *Engine) cuda(ctx context.Context, view *world.View, d planner.Draft) (ran map[schema.Address]bool, found []schema.Finding, err error) {
	desired := view.Desired()
	wants := map[schema.Address]lint.CUDA{}
	for _, c := range lint.CUDAs(desired) {
		wants[c.Address] = c
	}
	if len(wants) == 0 || len(world.Builds(d.Steps()))+len(world.Bakes(d.Steps())) == 0 || !slices.ContainsFunc(schema.Addresses(desired.Objects), func(a schema.Address) bool { return driverOf(desired.Objects[a]) != "" }) {
		return nil, nil, nil
	}
	all, _, err := view.Ran(ctx, schema.Addresses(wants), e.Clock.Now().Add(-foretoldWindow))
	if err != nil {
		return nil, nil, err
	}
	ran = map[schema.Address]bool{}
	for _, r := range all {
		ran[r.Environment] = true
		want := wants[r.Environment]
		for _, ami := range r.AMIs {
			have := driverOf(desired.Objects[ami])
			if have == "" || !lint.Older(have, want.Driver) {
				continue
			}
			found = append(found, schema.Finding{Code: "DC728", Severity: schema.Warning, Address: r.Environment,
				Positions: append(slices.Clone(desired.Objects[r.Environment].Nearest(want.Path)), desired.Objects[ami].Nearest("bake.gpu.minDriver")...),
				Message: fmt.Sprintf("%s in %d days on %s, whose nodes start from %s, which promises the NVIDIA driver %s; the base has CUDA %s, which needs at least %s",
					planner.Plural(r.N, "run"), planner.ForetoldDays, r.Tier, ami, have, want.Version, want.Driver),
				Hint: fmt.Sprintf("state gpu: minDriver: %q, or an older CUDA", want.Driver)})
		}
	}
	return ran, schema.Police(found, desired.Deployment.Findings), nil
}

// driverOf is the driver that an entry of amis promises.
func driverOf(o schema.Object) string {
	if b, ok := o.Bake(); ok && b.GPU != nil {
		return b.GPU.MinDriver
	}
	return ""
}
