package world

import (
	"context"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// abroad is the outside seen from another region.
type abroad struct {
	port.Region
	home
}

type home struct{ port.Outside }

// from is this world seen from a region: what names images there. Managed node groups
// of another region's clusters are seen by the Auto Scaling groups that EKS makes.
func (w *World) from(region string) *World {
	if region == w.Deployment.AWS.Region {
		return w
	}
	there := *w
	there.Outside = abroad{w.Outside.In(region), home{w.Outside}}
	there.Deployment.AWS.Region, there.Deployment.AWS.Cluster = region, ""
	if w.Held != nil {
		there.Held = func(ctx context.Context, except string) (Held, error) {
			h, err := w.Held(ctx, except)
			h.Made = nil // what applies made lies in the home region, and names repeat
			return h, err
		}
	}
	return &there
}

// standing is where the image of a step lies, this world seen from there, and its id.
func (w *World) standing(s planner.Step) (region string, there *World, image planner.Ref) {
	if s.Object.Type() != "ec2/copy" {
		return w.Deployment.AWS.Region, w, s.Object
	}
	region, id := cutID(s.Object.ID())
	return region, w.from(region), imageRef(id)
}

// startsOfCopies finds what starts machines from copies that an apply made in other
// regions.
func (w *World) startsOfCopies(ctx context.Context, copies map[planner.Ref]bool) (map[planner.Ref][]planner.Use, error) {
	byRegion := map[string]map[planner.Ref]bool{}
	for r := range copies {
		region, image := cutID(r.ID())
		if byRegion[region] == nil {
			byRegion[region] = map[planner.Ref]bool{}
		}
		byRegion[region][imageRef(image)] = true
	}
	out := map[planner.Ref][]planner.Use{}
	for _, region := range schema.Sorted(byRegion) {
		found, err := w.from(region).startsOfImages(ctx, byRegion[region])
		if err != nil {
			return nil, err
		}
		for r, uses := range found {
			for _, u := range uses {
				if !strings.HasPrefix(string(u.Object), "mongo/") { // no step of a rollback lets go of it, and its name may be one of this region too
					u.Object = ""
					u.Says += " in " + region
				}
				out[copyRef(region, r.ID())] = append(out[copyRef(region, r.ID())], u)
			}
		}
	}
	return out, nil
}
