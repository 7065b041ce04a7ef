package world

import (
	"context"
	"errors"
	"fmt"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// lookPools reads the groups of every pool and what they start nodes from:
// groups, then in one go each their templates' versions and configurations.
func lookPools(ctx context.Context, l *look) error {
	var asgs, nodeGroups []string
	for _, a := range l.wanted("nodePools") {
		for _, g := range l.desired.Objects[a].Groups() {
			if g.NodeGroup != "" {
				nodeGroups = append(nodeGroups, l.cluster(g)+"/"+g.NodeGroup)
			} else {
				asgs = append(asgs, g.ASG)
			}
		}
	}
	groups, err := l.readGroups(ctx, asgs)
	if err != nil {
		return err
	}
	managed, err := l.readNodeGroups(ctx, nodeGroups)
	if err != nil {
		return err
	}
	addAll(l.view.raw, groups, managed)
	if err := l.readStarts(ctx); err != nil {
		return err
	}
	for _, a := range l.wanted("nodePools") {
		if _, ok := l.desired.Objects[a]; ok {
			l.decodePool(a)
		}
	}
	return nil
}

func addAll(to map[planner.Ref]planner.Raw, from ...map[planner.Ref]planner.Raw) {
	for _, m := range from {
		for r, raw := range m {
			to[r] = raw
		}
	}
}

func (l *look) cluster(g schema.Group) string {
	if g.Cluster != "" {
		return g.Cluster
	}
	return l.Deployment.AWS.Cluster
}

// readStarts reads what the view's groups start nodes from.
func (l *look) readStarts(ctx context.Context) error {
	var refs []planner.Ref
	for _, raw := range l.view.raw {
		if t := raw["template"].Str(); t != "" {
			refs = append(refs, templateRef(t))
		}
		if c := raw["launchConfiguration"].Str(); c != "" {
			refs = append(refs, configRef(c))
		}
	}
	starts, err := l.Read(ctx, refs)
	if err != nil {
		return err
	}
	addAll(l.view.raw, starts)
	var versions []planner.Ref
	for _, raw := range l.view.raw {
		if t := raw["template"].Str(); t != "" && starts[templateRef(t)] != nil {
			versions = append(versions, versionRef(t, effectiveVersion(raw, starts[templateRef(t)])))
		}
	}
	read, err := l.Read(ctx, versions)
	if err == nil {
		addAll(l.view.raw, read)
	}
	return err
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

func groupRefOf(g schema.Group, cluster string) planner.Ref {
	if g.NodeGroup != "" {
		return nodeGroupRef(cluster, g.NodeGroup)
	}
	return groupRef(g.ASG)
}

// decodePool states what stands of each group in the schema's words.
func (l *look) decodePool(a schema.Address) {
	o := observedOf(a.Name)
	for _, g := range l.desired.Objects[a].Groups() {
		raw := l.view.raw[groupRefOf(g, l.cluster(g))]
		if raw == nil {
			l.find("DC143", schema.Error, a, fmt.Sprintf("there is no %s in this account and region", groupText(g)), "check the name, the account and the region")
			continue
		}
		at := "groups." + schema.JoinPath(g.Key()) + "."
		for _, size := range []string{"min", "max", "desired"} {
			o.Fields[at+"size."+size] = raw[size]
		}
		o.Fields[at+"ami"] = l.view.imageOf(raw)
	}
	l.observe(a, "", o)
}

func groupText(g schema.Group) string {
	if g.NodeGroup != "" {
		return "managed node group " + g.NodeGroup
	}
	return "Auto Scaling group " + g.ASG
}

// imageOf is the image that a group starts nodes from.
func (v *View) imageOf(group planner.Raw) schema.Value {
	if t := group["template"].Str(); t != "" {
		return v.raw[versionRef(t, effectiveVersion(group, v.raw[templateRef(t)]))]["image"]
	}
	return v.raw[configRef(group["launchConfiguration"].Str())]["image"]
}

// lowerPool makes one version and one switch per launch template, however many
// groups share it, and one update per group whose size changes.
func lowerPool(v *View, c planner.Change) (planner.Lowered, error) {
	p := poolLowering{v: v, change: c, o: v.desired.Objects[c.Address], made: map[string]planner.Step{}, wanted: map[string]schema.Value{}}
	for _, g := range p.o.Groups() {
		if out := p.group(g); out != nil {
			return *out, nil
		}
	}
	return planner.Lowered{ID: schema.JSON(c.Address.Name), Steps: p.steps, Findings: p.findings}, p.err
}

type poolLowering struct {
	v        *View
	change   planner.Change
	o        schema.Object
	steps    []planner.Step
	findings []schema.Finding
	made     map[string]planner.Step // template or configuration → the step that makes its successor
	wanted   map[string]schema.Value
	err      error
}

// group lowers one group's changes; an answer means that the pool is blocked.
func (p *poolLowering) group(g schema.Group) *planner.Lowered {
	cluster := g.Cluster
	if cluster == "" {
		cluster = p.v.world.Deployment.AWS.Cluster
	}
	ref := groupRefOf(g, cluster)
	at := "groups." + schema.JoinPath(g.Key()) + "."
	size := map[string]schema.Value{}
	for _, d := range p.change.Fields {
		switch d.Path {
		case at + "ami":
			if out := p.image(g, ref, d); out != nil {
				return out
			}
		case at + "size.min", at + "size.max", at + "size.desired":
			size[d.Path[len(at+"size."):]] = d.After
		}
	}
	if len(size) == 0 {
		return nil
	}
	if owner := p.o.Fields["owner.size"].Str(); owner != "" && owner != "domctl" {
		return p.owned("size", owner)
	}
	p.steps = append(p.steps, p.resize(g, ref, size))
	return nil
}

func (p *poolLowering) block(code, message, hint string) *planner.Lowered {
	out := blocked(code, p.change.Address, message, hint, p.change.Positions)
	return &out
}

func (p *poolLowering) owned(what, owner string) *planner.Lowered {
	if owner == "terraform" {
		return p.block("DC239", what+" belongs to Terraform: domctl writes nothing to it", "change the variable in Terraform's files")
	}
	return p.block("DC239", what+" is only observed", "state owner: "+what+": \"domctl\" to have it changed")
}

// image switches what a group starts nodes from.
func (p *poolLowering) image(g schema.Group, ref planner.Ref, d planner.Diff) *planner.Lowered {
	if owner := p.o.Fields["owner.ami"].Str(); owner != "" && owner != "domctl" {
		return p.owned("ami", owner)
	}
	if g.NodeGroup != "" {
		return p.block("DC241", "switching a managed node group drains its nodes at once, and this version of domctl does not roll nodes",
			"switch it by hand in a maintenance window, or wait for a version that rolls")
	}
	if why := p.v.special(d.Before, p.change.Address); why != "" {
		return p.block("DC232", g.Key()+" "+why, "name the AMI in an amis entry, or list it under replaces of the entry that may take its place")
	}
	raw := p.v.raw[ref]
	switch {
	case raw["mixed"].Bool():
		return p.block("DC242", g.Key()+" has a mixed instances policy, which this version of domctl does not switch", "switch it by hand")
	case raw["template"].Str() != "":
		return p.template(ref, raw, d.After)
	}
	return p.configuration(ref, raw, d.After)
}

// template makes a version with the image, once a template, and points the
// group at it: by the template's default version where the group follows that.
func (p *poolLowering) template(ref planner.Ref, group planner.Raw, image schema.Value) *planner.Lowered {
	id := group["template"].Str()
	version := group["version"].Str()
	if version == "$Latest" {
		return p.block("DC243", ref.ID()+" follows $Latest: a new version would take effect the moment it is made",
			"pin the group to a version, or to $Default, first")
	}
	if was, ok := p.wanted[id]; ok && was != image {
		return p.block("DC244", "groups that share the launch template "+id+" want different images", "give each its own launch template")
	}
	made, ok := p.made[id]
	if !ok {
		made = versionStep(p.change.Address, id, p.v.raw[templateRef(id)], group, image, p.v.raw)
		p.made[id], p.wanted[id] = made, image
		p.steps = append(p.steps, made)
	}
	number := planner.OutOf(made.ID, "version")
	if version == "" || version == "$Default" {
		p.switchDefault(ref, id, version, number)
		return nil
	}
	p.steps = append(p.steps, groupStep(p.change.Address, ref, map[string]schema.Value{"version": number},
		map[string]schema.Value{"template": group["template"]}, group))
	return nil
}

// switchDefault moves the template's default, once; every group that follows it
// is expected to still do so.
func (p *poolLowering) switchDefault(ref planner.Ref, id, version string, number schema.Value) {
	follows := planner.Expect{Ref: ref, Path: "version", Value: schema.JSON(version)}
	for i, s := range p.steps {
		if s.Op == "ec2.ModifyLaunchTemplate" && s.Object == templateRef(id) {
			p.steps[i].Expects = append(p.steps[i].Expects, follows)
			return
		}
	}
	p.steps = append(p.steps, defaultStep(p.change.Address, id, p.v.raw[templateRef(id)], number, follows))
	p.findings = append(p.findings, schema.Finding{Code: "DC245", Severity: schema.Info, Address: p.change.Address, Positions: p.change.Positions,
		Message: "moves the default version of launch template " + id + ": every group that follows $Default starts new nodes from it at once"})
}

// configuration copies the group's launch configuration under a new name, once
// for all groups that share it, and points the group at the copy.
func (p *poolLowering) configuration(ref planner.Ref, group planner.Raw, image schema.Value) *planner.Lowered {
	from := group["launchConfiguration"].Str()
	if from == "" {
		return p.block("DC246", ref.ID()+" has neither a launch template nor a launch configuration", "check the group")
	}
	if image.Is != schema.Known {
		return p.block("DC247", "the copy's name holds the image, which is not known yet", "apply what makes the image first")
	}
	made, ok := p.made[from]
	if !ok {
		made = copyStep(p.change.Address, from, image, p.v.raw[configRef(from)])
		p.made[from] = made
		p.steps = append(p.steps, made)
	}
	s := groupStep(p.change.Address, ref, map[string]schema.Value{"launchConfiguration": schema.JSON(made.Object.ID())}, nil, group)
	s.After = append(s.After, made.ID)
	p.steps = append(p.steps, s)
	return nil
}

func (p *poolLowering) resize(g schema.Group, ref planner.Ref, size map[string]schema.Value) planner.Step {
	s := groupStep(p.change.Address, ref, size, nil, p.v.raw[ref])
	s.ID += "/size"
	if g.NodeGroup != "" {
		s.Op, s.Guard = "eks.UpdateNodegroupConfig", planner.Token
	}
	return s
}

func (w *World) readGroups(ctx context.Context, names []string) (map[planner.Ref]planner.Raw, error) {
	out := map[planner.Ref]planner.Raw{}
	if len(names) == 0 {
		return out, nil
	}
	groups, err := w.Outside.DescribeAutoScalingGroups(ctx, names)
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		out[groupRef(g.Name)] = planner.Raw{"launchConfiguration": schema.JSON(g.LaunchConfiguration), "template": schema.JSON(g.Template),
			"version": schema.JSON(g.Version), "mixed": schema.JSON(g.Mixed),
			"min": schema.JSON(g.Min), "max": schema.JSON(g.Max), "desired": schema.JSON(g.Desired)}
	}
	return out, nil
}

// readNodeGroups asks for each: EKS has no call for several.
func (w *World) readNodeGroups(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	out := map[planner.Ref]planner.Raw{}
	for _, id := range ids {
		cluster, name := cutID(id)
		g, err := w.Outside.DescribeNodegroup(ctx, cluster, name)
		if errors.Is(err, port.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		out[nodeGroupRef(cluster, name)] = planner.Raw{"template": schema.JSON(g.Template), "version": versionText(g.Version),
			"status": schema.JSON(g.Status), "min": schema.JSON(g.Min), "max": schema.JSON(g.Max), "desired": schema.JSON(g.Desired)}
	}
	return out, nil
}
