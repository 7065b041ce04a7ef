package world

import (
	"strings"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// image switches what a group starts nodes from.
func (p *poolLowering) image(g schema.Group, ref planner.Ref, d planner.Diff) *schema.Finding {
	if why := p.v.special(d.Before, p.change.Address); why != "" {
		return p.block("DC232", g.Key()+" "+why, "leave ami out of the pool, or list the AMI under replaces of the entry that may take its place")
	}
	if why := p.v.unusable(p.change, d.After); why != nil {
		return why
	}
	raw := p.v.raw[ref]
	if p.moves(g, raw) {
		return p.move(ref, raw, d.After)
	}
	if raw["template"].Str() != "" {
		return p.template(ref, raw, d.After)
	}
	return p.configuration(ref, raw, d.After)
}

// template makes a version with the image, once a template, and points the
// group at it: by the template's default version where the group follows that.
func (p *poolLowering) template(ref planner.Ref, group planner.Raw, image schema.Value) *schema.Finding {
	id, version := group["template"].Str(), group["version"].Str()
	switch {
	case version == "$Latest":
		return p.block("DC243", ref.ID()+" follows $Latest: a new version would take effect the moment it is made",
			"pin the group to a version, or to $Default, first")
	case p.v.startOf(group) == nil:
		return p.block("DC246", ref.ID()+" starts nodes from version "+or(version)+" of launch template "+id+", which is not there", "check the group")
	}
	follows := version == "" || version == "$Default"
	if was, ok := p.wanted[id]; follows && ok && was != image {
		return p.block("DC244", "groups that follow the default version of launch template "+id+" want different images", "give each its own launch template")
	}
	key := id + "/" + effectiveVersion(group, p.v.raw[templateRef(id)]) + "/" + image.Text
	made, ok := p.made[key]
	if !ok {
		from := p.v.startOf(group)
		blocks, why := p.restate(id, from, image)
		if why != nil {
			return why
		}
		made = versionStep(p.change.Address, id, effectiveVersion(group, p.v.raw[templateRef(id)]), from, image, blocks)
		p.made[key] = made
		p.steps = append(p.steps, made)
		p.tellLatest(id)
	}
	p.tellOverrides(ref, group, follows)
	number := planner.OutOf(made.ID, "version")
	if follows {
		p.wanted[id] = image
		p.switchDefault(ref, id, version, number)
		return nil
	}
	decided := map[string]schema.Value{"template": group["template"], "mixed": group["mixed"]}
	p.steps = append(p.steps, groupStep(p.change.Address, ref, map[string]schema.Value{"version": number}, decided, group))
	return nil
}

// switchDefault moves the template's default, once; every group that follows it
// is expected to still do so.
func (p *poolLowering) switchDefault(ref planner.Ref, id, version string, number schema.Value) {
	follows := planner.Expect{Ref: ref, Path: "version", Value: schema.JSON(version)}
	for i, s := range p.steps {
		if s.Op == operation.ModifyLaunchTemplate && s.Object == templateRef(id) {
			p.steps[i].Expects = append(p.steps[i].Expects, follows)
			return
		}
	}
	p.steps = append(p.steps, defaultStep(p.change.Address, id, p.v.raw[templateRef(id)], number, follows))
	f := schema.Finding{Code: "DC245", Severity: schema.Info, Address: p.change.Address, Positions: p.change.Positions,
		Message: "moves the default version of launch template " + id + ": every group that follows $Default starts new nodes from it at once"}
	if others := p.otherFollowers(id, "$Default"); len(others) > 0 {
		f.Severity, f.Hint = schema.Warning, "make sure that they are meant, or pin them to a version first"
		f.Message += ", and these are not in the pool: " + strings.Join(others, ", ")
	}
	p.findings = append(p.findings, f)
}

// tellLatest names the groups for which the new version takes effect as soon as
// it is made.
func (p *poolLowering) tellLatest(id string) {
	if others := p.otherFollowers(id, "$Latest"); len(others) > 0 {
		p.findings = append(p.findings, schema.Finding{Code: "DC251", Severity: schema.Warning, Address: p.change.Address, Positions: p.change.Positions,
			Message: "makes a version of launch template " + id + ", and these groups follow its latest: " + strings.Join(others, ", ") + "; they start new nodes from it the moment it is made",
			Hint:    "make sure that they are meant, or pin them to a version first"})
	}
}

// configuration copies the group's launch configuration under a new name, once
// for all groups that share it, and points the group at the copy.
func (p *poolLowering) configuration(ref planner.Ref, group planner.Raw, image schema.Value) *schema.Finding {
	from := group["launchConfiguration"].Str()
	if p.v.raw[configRef(from)] == nil {
		return p.block("DC246", ref.ID()+" has neither a launch template nor a launch configuration that is there", "check the group")
	}
	if image.Is != schema.Known {
		p.yetToBe(ref, group, from, image)
		return nil
	}
	name, exists := p.v.copyName(from, image)
	if name == "" {
		return p.block("DC250", "every name that a copy of "+from+" could have is taken", "delete launch configurations that nothing uses")
	}
	s := groupStep(p.change.Address, ref, map[string]schema.Value{"launchConfiguration": schema.JSON(name)}, nil, group)
	switch made, ok := p.made[name]; {
	case exists:
		s.Expects = append(s.Expects, planner.Expect{Ref: configRef(name), Path: "image", Value: image})
	case ok:
		s.After = append(s.After, made.ID)
	default:
		made = copyStep(p.change.Address, from, name, image, p.v.raw[configRef(from)])
		p.made[name] = made
		p.steps = append(p.steps, made)
		s.After = append(s.After, made.ID)
	}
	p.steps = append(p.steps, s)
	return nil
}
