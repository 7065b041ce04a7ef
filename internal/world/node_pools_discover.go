package world

import (
	"context"
	"errors"
	"maps"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// poolTag is the tag in which the cluster autoscaler finds the pool's label of a group.
const poolTag = schema.LabelTag + schema.PoolLabel

// pools states the groups that carry Domino's label, by its value.
func (f *finder) pools(ctx context.Context) error {
	var asgs []port.AutoScalingGroup
	var managed []port.NodeGroup
	var karpenter map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { karpenter, err = f.karpenter(ctx); return err },
		func() (err error) { asgs, err = f.Outside.DescribeAutoScalingGroups(ctx, nil); return err },
		func() (err error) { managed, err = f.nodeGroups(ctx); return err })
	if err != nil {
		return err
	}
	byLabel, within := map[string][]schema.Group{}, map[string]bool{}
	for _, g := range managed {
		for _, name := range g.Groups {
			within[name] = true
		}
		f.view.raw[nodeGroupRef(g.Cluster, g.Name)] = nodeGroupRaw(g)
		f.group(byLabel, g.Labels[schema.PoolLabel], schema.Group{NodeGroup: g.Name})
	}
	for _, g := range asgs {
		if !within[g.Name] {
			f.view.raw[groupRef(g.Name)] = groupRaw(g)
			f.group(byLabel, g.Tags[poolTag], schema.Group{ASG: g.Name})
		}
	}
	maps.Copy(f.view.raw, karpenter)
	for _, ref := range schema.Sorted(karpenter) {
		if ref.Type() == nodePoolRef("").Type() {
			f.group(byLabel, karpenter[ref][schema.JoinPath("labels", schema.PoolLabel)].Str(), schema.Group{Karpenter: ref.ID()})
		}
	}
	if err := f.readStarts(ctx); err != nil {
		return err
	}
	standing := map[schema.Address]string{}
	for _, label := range schema.Sorted(byLabel) {
		f.pool(label, byLabel[label], standing)
	}
	return f.pin(ctx, standing)
}

// group files a group under its label, unless a pool of the files has it.
func (f *finder) group(byLabel map[string][]schema.Group, label string, g schema.Group) {
	if label == "" {
		return
	}
	for a, o := range f.desired.Objects {
		if a.Kind == "nodePools" && slices.ContainsFunc(o.Groups(), func(has schema.Group) bool { return f.groupRefOf(has) == f.groupRefOf(g) }) {
			return
		}
	}
	byLabel[label] = append(byLabel[label], g)
}

// pool states what is the same for all groups of a label; the rest is noted.
func (f *finder) pool(label string, groups []schema.Group, standing map[schema.Address]string) {
	slices.SortFunc(groups, func(a, b schema.Group) int {
		return slices.Compare([]string{a.ASG, a.NodeGroup, a.Karpenter}, []string{b.ASG, b.NodeGroup, b.Karpenter})
	})
	name := slug(label)
	if name == "" {
		name = "pool"
	}
	a := f.add("nodePools", name, name, map[string]schema.Value{"groups": schema.JSON(groups)})
	fields := f.Objects[a].Fields
	if a.Name != label {
		fields["label"] = schema.JSON(label)
	}
	of := func(karpenter bool) []schema.Group {
		return slices.DeleteFunc(slices.Clone(groups), func(g schema.Group) bool { return (g.Karpenter != "") != karpenter })
	}
	for _, size := range []string{"min", "max"} {
		v, same := f.same(of(false), func(raw planner.Raw) schema.Value { return raw[size] })
		if !same {
			f.note("%s: its groups differ in %s size: left out", a, size)
		} else if v.Is != schema.Absent {
			fields["size."+size] = v
		}
	}
	for _, limit := range []string{"cores", "memory"} {
		v, same := f.same(of(true), func(raw planner.Raw) schema.Value { return raw[limit] })
		if !same {
			f.note("%s: its NodePools differ in their limit of %s: left out", a, limit)
		} else if v.Is != schema.Absent {
			fields["limits."+limit] = v
		}
	}
	f.saying(a, groups)
	image, same := f.same(groups, f.view.imageOf)
	if !same {
		f.note("%s: its groups start from different images: ami left out", a)
	}
	if same && image.Str() != "" {
		standing[a] = image.Str()
	}
}

// same is the value that all groups have.
func (f *finder) same(groups []schema.Group, of func(planner.Raw) schema.Value) (v schema.Value, same bool) {
	for i, g := range groups {
		got := of(f.view.raw[f.groupRefOf(g)])
		if i > 0 && got != v {
			return v, false
		}
		v = got
	}
	return v, true
}

// saying states what all groups say alike of their nodes, as far as files can state it; the
// rest is noted. A scale-down delay is one of Auto Scaling groups.
func (f *finder) saying(a schema.Address, groups []schema.Group) {
	differs, alike := map[string]bool{}, map[string]schema.Value{}
	for i, g := range groups {
		says := saysOfNodes(g, f.view.raw[f.groupRefOf(g)])
		delete(says, "label")
		if i == 0 {
			alike = maps.Clone(says)
		}
		for path, v := range says {
			differs[path] = differs[path] || !statable(path, v)
			if alike[path] != v {
				differs[path] = true
			}
		}
		for path, v := range alike {
			differs[path] = differs[path] || says[path] != v
		}
	}
	for _, path := range schema.Sorted(differs) {
		if differs[path] {
			f.note("%s: its groups differ in %s, or files cannot state it: left out", a, path)
		} else {
			f.Objects[a].Fields[path] = alike[path]
		}
	}
}

// statable says whether the files can state what a group says.
func statable(path string, v schema.Value) bool {
	switch s := schema.SplitPath(path); s[0] {
	case "labels":
		return schema.NodeFault(s[1], v.Str()) == ""
	case "taints":
		value, effect := cutTaint(v.Str())
		return effectName(effect) != "" && schema.NodeFault(s[1], value) == ""
	case "scaleDownDelay":
		_, err := schema.ParseDuration(v.Str())
		return err == nil
	}
	return true
}

// karpenter reads its objects, where a cluster is asked that has any. Those of another
// version than v1 are told of: they are there, and not read.
func (f *finder) karpenter(ctx context.Context) (map[planner.Ref]planner.Raw, error) {
	if f.Karpenter == nil {
		return nil, nil
	}
	raw, err := f.readKarpenter(ctx)
	if errors.Is(err, port.ErrNotServed) {
		if errors.Is(err, port.ErrVersion) {
			f.note("NodePools were not looked for: %s", oneLine(err))
		}
		return nil, nil
	}
	return raw, err
}
