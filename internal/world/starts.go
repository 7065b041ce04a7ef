package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// LookStarts reads what pools start nodes from, and no more of the outside: the
// images, what is known of what they hold, and whether they suit.
func (w *World) LookStarts(ctx context.Context, d schema.Desired, a schema.Applied) (*View, error) {
	v := w.newView(d, a)
	if stated := kindsOf(d.Objects); !stated["nodePools"] {
		return v, nil
	}
	amis := w.newView(d, a)
	applied := func() schema.Applied { return a }
	err := sideBySide(
		func() error { return lookPools(ctx, &look{w, d, applied, v}) },
		func() error { return lookAMIs(ctx, &look{w, d, applied, amis}) },
		func() error { v.clusters = w.clusterVersions(ctx, d); return nil })
	if err != nil {
		return nil, fmt.Errorf("what nodes start from: %w", err)
	}
	v.add(amis)
	v.Findings = nil // a plan tells them
	if err := v.roots(ctx); err != nil {
		return nil, fmt.Errorf("what nodes start from: %w", err)
	}
	return v, v.suits(ctx, map[string]schema.Capacity{})
}

// roots fills in what baked entries are baked from, and the images that groups start from.
func (v *View) roots(ctx context.Context) error {
	v.desired.Objects = maps.Clone(v.desired.Objects)
	var bases []string
	for _, a := range schema.Addresses(v.desired.Objects) {
		o := v.desired.Objects[a]
		b, ok := o.Bake()
		if !ok || a.Kind != "amis" {
			continue
		}
		base := (&inputs{View: v, address: a, object: o, bake: b}).from()
		if base == "" {
			continue
		}
		o.Fields = maps.Clone(o.Fields)
		o.Fields["content.base"] = schema.JSON(base)
		v.desired.Objects[a] = o
		bases = append(bases, base)
	}
	for _, a := range schema.Addresses(v.desired.Objects) {
		for _, g := range v.desired.Objects[a].Groups() {
			if id := v.imageOf(v.raw[v.world.groupRefOf(g)]).Str(); id != "" && v.raw[imageRef(id)] == nil {
				bases = append(bases, id)
			}
		}
	}
	slices.Sort(bases)
	images, err := v.world.readImages(ctx, slices.Compact(bases))
	maps.Copy(v.raw, images)
	return err
}

// Todays are what new nodes hold, by the label of their pool; those are left out
// of which nobody knows. A pool that is not known stands on the only baked AMI that
// there is.
func (v *View) Todays() map[string]Holding {
	out := map[string]Holding{}
	for label, pool := range PoolLabels(v.desired) {
		if h, known := v.today(pool); known {
			out[label] = h
		}
	}
	var baked []schema.Address
	for a, o := range v.desired.Objects {
		if o.Cache().Stated {
			baked = append(baked, a)
		}
	}
	if len(baked) == 1 {
		if h, known := v.Holds(v.Objects[baked[0]].ID); known {
			out[""] = h
		}
	}
	return out
}

// today is what a new node of a pool holds; ok is false where nobody knows, or
// where its groups start from several images.
func (v *View) today(pool schema.Address) (h Holding, ok bool) {
	image, one := v.start(pool)
	if !one {
		return h, false
	}
	return v.Holds(image)
}

// start is what the groups of a pool start nodes from; one is false where that are
// several images.
func (v *View) start(pool schema.Address) (image string, one bool) {
	for p, value := range v.Objects[pool].Fields {
		if !strings.HasSuffix(p, ".ami") {
			continue
		}
		if image != "" && image != value.Str() {
			return "", false
		}
		image = value.Str()
	}
	return image, true
}

// Holding is what an image was baked with: images by their digest, as nodes name
// them, pulled by a container runtime.
type Holding struct {
	Runtime string
	Images  []string
}

func holdingOf(fields map[string]schema.Value) (h Holding) {
	h.Runtime, _, _ = strings.Cut(fields["content.runtime"].Str(), "/")
	for _, p := range schema.Sorted(fields) {
		if strings.HasPrefix(p, "content.images.") {
			h.Images = append(h.Images, fields[p].Str())
		}
	}
	return h
}

// Bakes are the entries of amis of which steps make images, on an instance of their own or
// on one that is lent.
func Bakes(steps []planner.Step) (out []schema.Address) {
	for _, s := range steps {
		if s.Op == operation.BakeImage || s.Op == operation.BakeTemplate {
			out = append(out, s.Address)
		}
	}
	slices.SortFunc(out, schema.Address.Compare)
	return slices.Compact(out)
}

// Planned is what the image of an entry of amis is to hold.
func (v *View) Planned(a schema.Address) Holding { return holdingOf(v.desired.Objects[a].Fields) }

// Holds says what an image holds, which the records tell of one that domctl baked
// and that stands for an entry. Of any other nobody knows.
func (v *View) Holds(image string) (h Holding, known bool) {
	for _, a := range schema.Addresses(v.Objects) {
		if o := v.Objects[a]; a.Kind == "amis" && o.ID == image && o.Fields["content.base"].Is == schema.Known {
			return holdingOf(o.Fields), true
		}
	}
	return h, false
}

// Starts are the pools and tiers that are to start from an entry of amis, by the
// image that they start from today; one whose groups start from several stands
// under each.
func (v *View) Starts(ami schema.Address) map[string][]schema.Address {
	out := map[string][]schema.Address{}
	for _, a := range schema.Addresses(v.desired.Objects) {
		if a.Kind == "amis" {
			continue
		}
		seen := map[string]bool{}
		for _, p := range schema.Sorted(v.desired.Objects[a].Fields) {
			if t, _, ok := v.desired.Objects[a].Fields[p].Target(); !ok || t != ami || p != "ami" && !strings.HasSuffix(p, ".ami") {
				continue
			}
			if today := v.Objects[a].Fields[p].Str(); !seen[today] {
				seen[today] = true
				out[today] = append(out[today], a)
			}
		}
	}
	return out
}
