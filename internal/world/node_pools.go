package world

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// lookPools reads the groups of every pool and what they start nodes from:
// first the groups, then side by side their templates, the templates' versions
// and configurations; versions that nobody could guess come last, and more beside them.
func lookPools(ctx context.Context, l *look, more ...func(context.Context) error) error {
	var asgs, nodeGroups []string
	for _, a := range l.wanted("nodePools") {
		for _, g := range l.desired.Objects[a].Groups() {
			switch {
			case g.NodeGroup != "":
				nodeGroups = append(nodeGroups, l.cluster(g)+"/"+g.NodeGroup)
			case g.ASG != "":
				asgs = append(asgs, g.ASG)
			}
		}
	}
	var groups, managed, images, pools map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { groups, err = l.readGroups(ctx, asgs); return err },
		func() (err error) { managed, err = l.readNodeGroups(ctx, nodeGroups); return err },
		func() (err error) { pools, err = l.addKarpenter(ctx); return err },
		func() (err error) { images, err = l.readImages(ctx, l.literalImages("nodePools")); return err })
	if err != nil {
		return err
	}
	maps.Copy(l.view.raw, groups)
	maps.Copy(l.view.raw, managed)
	maps.Copy(l.view.raw, images)
	maps.Copy(l.view.raw, pools)
	if err := l.readStarts(ctx); err != nil {
		return err
	}
	last := []func() error{func() error { return l.readSwitched(ctx) }}
	for _, read := range more {
		last = append(last, func() error { return read(ctx) })
	}
	if err := sideBySide(last...); err != nil {
		return err
	}
	claimed := map[planner.Ref]claim{}
	for _, a := range l.wanted("nodePools") {
		if _, ok := l.desired.Objects[a]; ok {
			l.decodePool(a)
			l.claimPool(a, claimed)
		}
	}
	return nil
}

// lookPoolsToRoll reads for a plan what rolls go by, too.
func lookPoolsToRoll(ctx context.Context, l *look) error {
	return sideBySide(
		func() error { return lookPools(ctx, l, l.readUneven) },
		func() error { return l.readAlarms(ctx, "nodePools") })
}

// claimPool refuses what two pools would both write: a group, or the default
// version of a launch template that one of them would move.
func (l *look) claimPool(a schema.Address, claimed map[planner.Ref]claim) {
	for _, g := range l.desired.Objects[a].Groups() {
		ref := l.groupRefOf(g)
		l.claim(a, ref, claimed, true)
		group, want := l.view.raw[ref], l.wantedImage(a, g)
		if v := group["version"].Str(); want.Is != schema.Absent && group["template"].Str() != "" && (v == "" || v == "$Default") {
			l.claim(a, templateRef(group["template"].Str()), claimed, want != l.view.imageOf(group))
		}
		if c := group["class"].Str(); want.Is != schema.Absent && c != "" {
			l.claim(a, nodeClassRef(c), claimed, want != l.view.imageOf(group))
		}
	}
}

// claim is who speaks of an object first, and whether anyone writes it.
type claim struct {
	by     schema.Address
	writes bool
}

func (l *look) claim(a schema.Address, ref planner.Ref, claimed map[planner.Ref]claim, writes bool) {
	was, taken := claimed[ref]
	if !taken {
		claimed[ref] = claim{a, writes}
		return
	}
	if was.by != a && (was.writes || writes) {
		l.find("DC145", schema.Error, a, fmt.Sprintf("would write %s, and so would %s", ref, was.by), "put the groups into one pool, or give each its own launch template, or EC2NodeClass")
	}
	claimed[ref] = claim{was.by, was.writes || writes}
}

// wantedImage is what the files want a group to start from, as far as it is
// known before the plan.
func (l *look) wantedImage(a schema.Address, g schema.Group) schema.Value {
	v := l.desired.Objects[a].Fields["groups."+schema.JoinPath(g.Key())+".ami"]
	if t, field, ok := v.Target(); ok {
		if stated := l.desired.Objects[t].Fields[field]; stated.Is != schema.Absent {
			return stated
		}
	}
	return v
}

func (w *World) cluster(g schema.Group) string {
	if g.Cluster != "" {
		return g.Cluster
	}
	return w.Deployment.AWS.Cluster
}

// readStarts reads what the view's groups start nodes from.
func (l *look) readStarts(ctx context.Context) error {
	var refs []planner.Ref
	templates, configs := map[string]bool{}, map[string]bool{}
	for _, raw := range l.view.raw {
		if t := raw["template"].Str(); t != "" && !templates[t] {
			templates[t] = true
			refs = append(refs, templateRef(t))
		}
		if c := raw["launchConfiguration"].Str(); c != "" && !configs[c] {
			configs[c] = true
			refs = append(refs, configRef(c))
		}
	}
	var starts, versions map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { starts, err = l.Read(ctx, refs); return err },
		func() (err error) { versions, err = l.readCurrentVersions(ctx, len(templates)); return err })
	if err != nil {
		return err
	}
	maps.Copy(l.view.raw, starts)
	maps.Copy(l.view.raw, versions)
	var others, copies, named map[planner.Ref]planner.Raw
	err = sideBySide(
		func() (err error) { others, err = l.readVersions(ctx, l.otherVersions()); return err },
		func() (err error) { copies, err = l.readConfigurations(ctx, l.copies()); return err },
		func() (err error) { named, err = l.readNamedTemplates(ctx, l.templates()); return err })
	maps.Copy(l.view.raw, others)
	maps.Copy(l.view.raw, copies)
	maps.Copy(l.view.raw, named)
	return err
}

// otherVersions are those that groups name and that are neither their
// template's default nor its latest.
func (l *look) otherVersions() []string {
	missing := map[string]bool{}
	for _, raw := range l.view.raw {
		t := raw["template"].Str()
		if t == "" || l.view.raw[templateRef(t)] == nil {
			continue
		}
		if v := versionRef(t, effectiveVersion(raw, l.view.raw[templateRef(t)])); l.view.raw[v] == nil {
			missing[v.ID()] = true
		}
	}
	return schema.Sorted(missing)
}

// effectiveVersion is the version number that a group's words mean.
func effectiveVersion(group, template planner.Raw) string {
	switch v := group["version"].Str(); v {
	case "", "$Default":
		return template["default"].Str()
	case "$Latest":
		return template["latest"].Str()
	default:
		return v
	}
}

func (w *World) groupRefOf(g schema.Group) planner.Ref {
	switch {
	case g.Karpenter != "":
		return nodePoolRef(g.Karpenter)
	case g.NodeGroup != "":
		return nodeGroupRef(w.cluster(g), g.NodeGroup)
	}
	return groupRef(g.ASG)
}

// decodePool states what stands of each group in the schema's words.
func (l *look) decodePool(a schema.Address) {
	o := observedOf(a.Name, 8)
	for _, g := range l.desired.Objects[a].Groups() {
		raw := l.view.raw[l.groupRefOf(g)]
		if raw == nil && g.Karpenter != "" && l.view.unserved {
			continue // which was told
		}
		if raw == nil && g.NodeGroup != "" && l.cluster(g) == "" {
			l.find("DC143", schema.Error, a, fmt.Sprintf("nothing says in which cluster the %s is", groupText(g)), "state cluster beside nodegroup, or deployment: aws: cluster")
			continue
		}
		if raw == nil {
			l.find("DC143", schema.Error, a, fmt.Sprintf("there is no %s in this account and region", groupText(g)), "check the name, the account and the region")
			continue
		}
		if g.Karpenter != "" {
			l.decodeNodePool(a, g, raw, o.Fields)
			l.expect(a, g, raw)
			l.ofNodePool(a, g, raw)
			continue
		}
		at := "groups." + schema.JoinPath(g.Key()) + "."
		for _, size := range []string{"min", "max", "desired"} {
			o.Fields[at+"size."+size] = raw[size]
		}
		if _, stated := l.desired.Objects[a].Fields[at+"launch"]; stated {
			o.Fields[at+"launch"] = startsFrom(g, raw)
		}
		if image := l.view.imageOf(raw); image.Str() != "" {
			o.Fields[at+"ami"] = image
		}
		l.expect(a, g, raw)
		l.labels(a, g, raw, at, o.Fields)
	}
	l.observe(a, "", o)
	l.offer(a)
}

// offer says that groups whose image domctl writes could leave their launch
// configurations.
func (l *look) offer(a schema.Address) {
	o := l.desired.Objects[a]
	var on []string
	for _, g := range o.Groups() {
		at := "groups." + schema.JoinPath(g.Key()) + "."
		_, moves := o.Fields[at+"launch"]
		_, image := o.Fields[at+"ami"]
		if l.view.raw[l.groupRefOf(g)]["launchConfiguration"].Str() != "" && image && !moves {
			on = append(on, g.Key())
		}
	}
	if len(on) > 0 && o.Owner("ami") == "domctl" {
		l.find("DC810", schema.Info, a, "stands on launch configurations, of which no new account can make one and which know no new instance type: "+strings.Join(on, ", "),
			"state launch: \"launchTemplate\", and the next plan has the groups start nodes from launch templates that are made of them")
	}
}

// startsFrom is what a group starts nodes from; EKS has launch templates alone.
func startsFrom(g schema.Group, group planner.Raw) schema.Value {
	if g.NodeGroup == "" && group["template"].Str() == "" {
		return schema.JSON("launchConfiguration")
	}
	return schema.JSON(schema.LaunchTemplate)
}

func groupText(g schema.Group) string {
	switch {
	case g.Karpenter != "":
		return "NodePool " + g.Karpenter
	case g.NodeGroup != "":
		return "managed node group " + g.NodeGroup
	}
	return "Auto Scaling group " + g.ASG
}

// expect compares a group's instance types with those that the files expect.
func (l *look) expect(a schema.Address, g schema.Group, group planner.Raw) {
	want := l.desired.Objects[a].Fields["expect.instanceTypes"].Strings()
	if len(want) == 0 {
		return
	}
	types := l.view.instanceTypesOf(group)
	for _, t := range types {
		if !slices.Contains(want, t) {
			l.find("DC211", schema.Warning, a, fmt.Sprintf("%s starts %s, and the files expect %s", g.Key(), t, strings.Join(want, ", ")),
				"correct expect.instanceTypes, or change the group")
		}
	}
}

// instanceTypesOf are the types a group may start: those of its mixed policy or
// node group, else that of its template or configuration.
func (v *View) instanceTypesOf(group planner.Raw) []string {
	if types := group["instanceTypes"].Strings(); len(types) > 0 {
		return types
	}
	if t := v.startOf(group)["instanceType"].Str(); t != "" {
		return []string{t}
	}
	return nil
}

// startOf is the launch template version, launch configuration or EC2NodeClass that a
// group starts nodes from.
func (v *View) startOf(group planner.Raw) planner.Raw {
	if c := group["class"].Str(); c != "" {
		return v.raw[nodeClassRef(c)]
	}
	if t := group["template"].Str(); t != "" {
		return v.raw[versionRef(t, effectiveVersion(group, v.raw[templateRef(t)]))]
	}
	return v.raw[configRef(group["launchConfiguration"].Str())]
}

// imageOf is the image that a group starts nodes from.
func (v *View) imageOf(group planner.Raw) schema.Value { return v.startOf(group)["image"] }
