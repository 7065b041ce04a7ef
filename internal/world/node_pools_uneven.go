package world

import (
	"context"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// unevenField is of a group whose nodes are not all of the image that it starts them from.
const unevenField = "nodes"

// readUneven reads which images the nodes of groups run, in two calls, of pools that roll
// alone: a roll that stopped, or a switch by hand, leaves nodes that no difference of the
// group itself shows. What a managed node group starts EKS brings to its nodes.
func (l *look) readUneven(ctx context.Context) error {
	var names []string
	for _, a := range l.wanted("nodePools") {
		o := l.desired.Objects[a]
		for _, g := range o.Groups() {
			if raw := l.view.raw[groupRef(g.ASG)]; rolls(o) && raw != nil && g.ASG != "" && len(overridesOf(raw)) == 0 {
				names = append(names, g.ASG)
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	slices.Sort(names)
	members, err := l.Outside.DescribeAutoScalingInstances(ctx, slices.Compact(names))
	if err != nil || len(members) == 0 {
		return err
	}
	group, ids := map[string]string{}, []string(nil)
	for _, m := range members {
		if m.Leaving() {
			continue
		}
		group[m.ID], ids = m.Group, append(ids, m.ID)
	}
	if len(ids) == 0 {
		return nil
	}
	machines, err := l.Outside.DescribeInstances(ctx, port.Select{IDs: ids})
	if err != nil {
		return err
	}
	for _, m := range machines {
		ref := groupRef(group[m.ID])
		if m.Image != "" && !slices.Contains(l.view.started[ref], m.Image) {
			l.view.started[ref] = append(l.view.started[ref], m.Image)
			slices.Sort(l.view.started[ref])
		}
	}
	return nil
}

// rolls says that domctl replaces the nodes of a pool.
func rolls(o schema.Object) bool {
	_, stated := o.Roll()
	return stated && o.Owner("ami") == "domctl"
}

// Uneven are the groups whose nodes are to be replaced though nothing of the group itself
// differs: some are of another image than it starts, and it starts the one that is wanted.
// The same of the executors of classic tiers.
func (v *View) Uneven() map[schema.Address]planner.Redo {
	out, moves := v.unevenExecutors(), v.moving()
	for a, o := range v.desired.Objects {
		if a.Kind != "nodePools" || !rolls(o) {
			continue
		}
		for _, g := range o.Groups() {
			ref, at := groupRef(g.ASG), "groups."+schema.JoinPath(g.Key())+"."
			starts, run := v.imageOf(v.raw[ref]), v.started[ref]
			if g.ASG == "" || starts.Str() == "" || !slices.ContainsFunc(run, func(image string) bool { return image != starts.Str() }) {
				continue
			}
			if want := v.wanted(o.Fields[at+"ami"]); want.Is != schema.Absent && want != starts {
				continue // the switch is followed by a roll
			}
			if moves[defaultOf(v.raw[ref])] {
				continue // another pool's switch is this group's too: the next plan rolls to that
			}
			v.Live.Objects[a].Fields[at+unevenField] = schema.JSON(strings.Join(run, ", "))
			out[a] = planner.Redo{Fields: append(out[a].Fields, planner.Diff{Path: at + unevenField, After: starts}), Why: "nodes are of another image than their group starts"}
		}
	}
	return out
}

// moving are the launch templates whose default version some pool moves, by id; one that a
// rollback holds back moves none.
func (v *View) moving() map[string]bool {
	out := map[string]bool{}
	for a, o := range v.desired.Objects {
		if a.Kind != "nodePools" || o.Owner("ami") != "domctl" || v.applied.Latches[a] != "" {
			continue
		}
		for _, g := range o.Groups() {
			raw := v.raw[v.world.groupRefOf(g)]
			want := v.wanted(o.Fields["groups."+schema.JoinPath(g.Key())+".ami"])
			if t := defaultOf(raw); t != "" && want.Is != schema.Absent && want != v.imageOf(raw) {
				out[t] = true
			}
		}
	}
	return out
}

// defaultOf is the launch template whose default version a group follows; "" where it follows
// none.
func defaultOf(group planner.Raw) string {
	if version := group["version"].Str(); version != "" && version != "$Default" {
		return ""
	}
	return group["template"].Str()
}

// wanted is the image that a field leads to, as far as it is known before the plan.
func (v *View) wanted(field schema.Value) schema.Value {
	to, path, refers := field.Target()
	if !refers {
		return field
	}
	if stated := v.desired.Objects[to].Fields[path]; stated.Is != schema.Absent {
		return stated
	}
	if live := v.Live.Objects[to].Fields[path]; live.Is != schema.Absent {
		return live
	}
	return field
}
