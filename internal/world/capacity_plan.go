package world

import (
	"context"
	"slices"

	"domctl.dev/schema"
)

// lived is what a plan knows of the cluster's nodes and of where EC2 offers instance types.
type lived struct {
	rooms    map[string]map[string]schema.Room // by pool label and instance type; nil: not known
	offered  map[string][]string               // zones of the instance types that pools expect; nil: nobody was asked
	findings []schema.Finding
	unseen   string // why the cluster's nodes are not known; "" where they are, or nobody was asked
}

// lookOffered asks where the instance types that pools expect are offered, and notes why
// nobody can say; an end of ctx alone is an error.
func (w *World) lookOffered(ctx context.Context, d schema.Desired) (out lived, err error) {
	names := map[string]bool{}
	for a, o := range d.Objects {
		if a.Kind == "nodePools" && len(o.Groups()) > 0 {
			for _, t := range o.Fields["expect.instanceTypes"].Strings() {
				names[t] = true
			}
		}
	}
	if len(names) == 0 {
		return out, nil
	}
	found, err := w.Outside.DescribeInstanceTypeOfferings(ctx, schema.Sorted(names))
	if err != nil {
		return lived{findings: []schema.Finding{noZones(oneLine(err))}}, ctx.Err()
	}
	out.offered = map[string][]string{}
	for t := range names {
		out.offered[t] = []string{}
	}
	for _, o := range found {
		out.offered[o.Type] = append(out.offered[o.Type], o.Zone)
	}
	return out, nil
}

// capacity tells of pools what `domctl capacity` does, as far as a plan has read it.
func (v *View) capacity(offered map[string][]string) {
	for _, a := range schema.Addresses(v.desired.Objects) {
		o := v.desired.Objects[a]
		if a.Kind != "nodePools" {
			continue
		}
		label := o.Fields["label"].Str()
		v.Findings = append(v.Findings, unlike(a, label, v.liveRooms(label), o)...)
		for _, g := range o.Groups() {
			raw := v.raw[v.world.groupRefOf(g)]
			types := v.instanceTypesOf(raw)
			if !slices.ContainsFunc(types, func(t string) bool { return offered[t] == nil }) {
				v.Findings = append(v.Findings, notOffered(a, o, g, types, raw["zones"].Strings(), offered)...)
			}
		}
	}
}
