package world

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// findings are what somebody should look at.
func (c *CapacityView) findings(pools []PoolCapacity, tiers []tierAt) []schema.Finding {
	out := []schema.Finding{}
	out = append(out, unlabelled(c.nodes)...)
	if c.noZones != "" {
		out = append(out, noZones(c.noZones))
	}
	for _, p := range pools {
		if p.Address == (schema.Address{}) {
			continue
		}
		o := c.desired.Objects[p.Address]
		out = append(out, c.unoffered(p.Address, o)...)
		rooms := []schema.NodeRoom{}
		for _, n := range p.Nodes {
			rooms = append(rooms, schema.NodeRoom{Type: or(n.Type), Room: n.Room})
		}
		out = append(out, unlike(p.Address, p.Label, rooms, o)...)
		out = append(out, c.nearly(p, o)...)
		for _, t := range tiers {
			if t.label != p.Label || t.address == (schema.Address{}) {
				continue
			}
			if kind, left, most := schema.Unused(t.fields, o.Fields, rooms); kind != "" {
				out = append(out, schema.UnusedFinding(t.address, left, kind, p.Address.Name, most, append(c.desired.Objects[t.address].Positions(""), o.Positions("expect.maxUnused")...)))
			}
		}
	}
	return out
}

func noZones(why string) schema.Finding {
	return schema.Finding{Code: "DC806", Severity: schema.Info, Message: "whether zones have the instance types is not known: " + why,
		Hint: "domctl doctor says which permission is missing"}
}

// unoffered tells of zones in which a group of a pool cannot start a node, those of the
// groups of its managed node groups too.
func (c *CapacityView) unoffered(a schema.Address, o schema.Object) (out []schema.Finding) {
	if c.zones == nil {
		return nil
	}
	for _, g := range o.Groups() {
		raw := c.raw[c.world.groupRefOf(g)]
		zones := raw["zones"].Strings()
		for _, name := range raw["groups"].Strings() {
			zones = append(zones, c.scales[groupRef(name)]["zones"].Strings()...)
		}
		out = append(out, notOffered(a, o, g, c.instanceTypesOf(raw), zones, c.zones)...)
	}
	return out
}

// notOffered tells of zones of a group where none of its instance types is offered.
func notOffered(a schema.Address, o schema.Object, g schema.Group, types, zones []string, offered map[string][]string) []schema.Finding {
	var lack []string
	for _, zone := range zones {
		has := slices.ContainsFunc(types, func(t string) bool { return slices.Contains(offered[t], zone) })
		if len(types) > 0 && !has && !slices.Contains(lack, zone) {
			lack = append(lack, zone)
		}
	}
	if len(lack) == 0 {
		return nil
	}
	return []schema.Finding{{Code: "DC801", Severity: schema.Warning, Address: a, Positions: o.Positions("groups"),
		Message: fmt.Sprintf("%s is in %s, where %s is not offered: no node starts there", g.Key(), schema.Listed(lack, "and"), schema.Listed(types, "or")),
		Hint:    "take the zone out of the group, or name an instance type that it has"}}
}

// controlPlane labels nodes that run no executions.
// https://kubernetes.io/docs/reference/labels-annotations-taints/#node-role-kubernetes-io-control-plane
const controlPlane = "node-role.kubernetes.io/control-plane"

// unlabelled tells of nodes that no tier can name.
func unlabelled(nodes []liveNode) []schema.Finding {
	var names []string
	for _, n := range nodes {
		if _, apart := n.Labels[controlPlane]; n.pool() == "" && !apart {
			names = append(names, n.Name)
		}
	}
	if len(names) == 0 {
		return nil
	}
	return []schema.Finding{{Code: "DC802", Severity: schema.Warning, Message: fmt.Sprintf("%s without the label %s, so that no tier starts executions there: %s", planner.Plural(len(names), "node"), schema.PoolLabel, few(names)),
		Hint: "label the groups that start them, or drain them"}}
}

// unlike tells of kinds of node under one label of which one is larger than another: the
// cluster autoscaler and Domino take nodes of one pool for alike.
// https://github.com/kubernetes/autoscaler/blob/master/cluster-autoscaler/cloudprovider/aws/README.md#using-mixed-instances-policies-and-spot-instances
func unlike(a schema.Address, label string, nodes []schema.NodeRoom, o schema.Object) []schema.Finding {
	alike := func(a, b schema.Room) bool {
		near := func(x, y int64) bool { return min(x, y)*10 >= max(x, y)*9 }
		for _, name := range append(schema.Sorted(a.Other), schema.Sorted(b.Other)...) {
			if a.Other[name] != b.Other[name] {
				return false
			}
		}
		return near(a.MilliCores, b.MilliCores) && near(a.Memory, b.Memory)
	}
	if !slices.ContainsFunc(nodes, func(n schema.NodeRoom) bool { return !alike(n.Room, nodes[0].Room) }) {
		return nil
	}
	var kinds []string
	for _, n := range nodes {
		kinds = append(kinds, fmt.Sprintf("%s (%s, %s)", n.Type, schema.Remainder{Resource: "cores", Left: n.Room.MilliCores}.Text(), schema.Remainder{Resource: "memory", Left: n.Room.Memory}.Text()))
	}
	return []schema.Finding{{Code: "DC803", Severity: schema.Warning, Address: a, Positions: o.Positions("groups"),
		Message: fmt.Sprintf("nodes of unlike sizes under the label %q: %s", label, strings.Join(kinds, ", ")), Hint: "give each size a pool of its own"}}
}

// nearlyFull is the share of a pool's maximum, in percent, from which a peak is told.
const nearlyFull = 90

func (c *CapacityView) nearly(p PoolCapacity, o schema.Object) []schema.Finding {
	if p.Peak == nil || p.Max == nil || p.Peak.Nodes*100 < *p.Max*nearlyFull {
		return nil
	}
	share := "no node may be there"
	if *p.Max > 0 {
		share = fmt.Sprintf("%d %%", p.Peak.Nodes*100 / *p.Max)
	}
	return []schema.Finding{{Code: "DC804", Severity: schema.Warning, Address: p.Address, Positions: o.Positions("size.max"), Hint: "raise size.max, or move tiers to another pool",
		Message: fmt.Sprintf("%s at %s needed at least %s of %d (%s)", planner.Plural(int(p.Peak.Executions), "execution"), p.Peak.At.UTC().Format("2006-01-02 15:04 MST"), planner.Plural(int(p.Peak.Nodes), "node"), *p.Max, share)}}
}
