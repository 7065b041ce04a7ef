package world

import (
	"fmt"
	"slices"

	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// rolled adds the step that replaces a group's nodes, after all that switches its image.
// Groups of a pool go one after another: what switches the next comes after the roll of
// the one before, so that an image that fails in one stays there.
func (p *poolLowering) rolled(ref planner.Ref, d planner.Diff, switches int) {
	r, stated := p.o.Roll()
	if !stated {
		return
	}
	if len(overridesOf(p.v.raw[ref])) > 0 {
		p.findings = append(p.findings, schema.Finding{Code: "DC843", Severity: schema.Warning, Address: p.change.Address, Positions: p.o.Nearest("roll"),
			Message: ref.ID() + " is not rolled: overrides of its mixed instances policy start nodes from other images, which would be replaced by their like",
			Hint:    "leave template and image out of the overrides, or replace the nodes by hand"})
		return
	}
	s := p.rollStep(operation.RollGroup, ref, d, r)
	if back, is := p.switchedBack(ref); is {
		s.Args["switch"] = schema.JSON(back)
	}
	p.goes(s, switches, d, r)
	p.tellRoll(ref, r)
}

// unseen says why a pool is not to be rolled: its nodes, or what runs on them, could not be
// read, so that the image would be switched and no node could go.
func (p *poolLowering) unseen() *schema.Finding {
	if p.v.unseen == "" {
		return nil
	}
	return p.block("DC848", "its roll ends nodes that no run is on, and which those are is not known: "+p.v.unseen, "domctl doctor says what the cluster lets domctl do; when that is mended, plan again")
}

// anyRolls says that a pool of the files has its nodes replaced.
func anyRolls(d schema.Desired) bool {
	for a, o := range d.Objects {
		if a.Kind == "nodePools" && rolls(o) {
			return true
		}
	}
	return false
}

// switchedBack is the write that takes the switch of a group's image back: of the group, or
// of the default version that it follows. What a roll that fails makes is what a rollback
// would.
func (p *poolLowering) switchedBack(ref planner.Ref) (back planner.Step, is bool) {
	group := p.v.raw[ref]
	object, paths := ref, []string{"version", "template", "launchConfiguration"}
	if v := group["version"].Str(); group["template"].Str() != "" && (v == "" || v == "$Default") {
		object, paths = templateRef(group["template"].Str()), []string{"default"}
	}
	for _, s := range p.steps {
		if s.Object == object && slices.ContainsFunc(paths, func(path string) bool { _, writes := s.Writes[path]; return writes }) {
			back = planner.Unwrite(planner.Done{Step: s, Pre: p.v.raw[object]})
			back.Expects = nil // which the roll looks at by itself
			return back, true
		}
	}
	return back, false
}

// managed makes a version with the image, and has EKS go to it once no run is on an old
// node. Without a roll the image is left: the switch is a drain.
func (p *poolLowering) managed(g schema.Group, ref planner.Ref, d planner.Diff) *schema.Finding {
	r, stated := p.o.Roll()
	if !stated {
		p.rolls = append(p.rolls, d.Path)
		return nil
	}
	if why := p.v.special(d.Before, p.change.Address); why != "" {
		return p.block("DC232", g.Key()+" "+why, "leave ami out of the pool, or list the AMI under replaces of the entry that may take its place")
	}
	if why := p.v.unusable(p.change, d.After); why != nil {
		return why
	}
	raw := p.v.raw[ref]
	id, from := raw["template"].Str(), p.v.startOf(raw)
	if from == nil || from["image"].Str() == "" {
		return p.block("DC246", ref.ID()+" has no launch template that names its image", "give the node group a launch template with the image")
	}
	first := len(p.steps)
	made, there := p.made[id+"/"+raw["version"].Str()+"/"+d.After.Text]
	if !there {
		blocks, why := p.restate(id, from, d.After)
		if why != nil {
			return why
		}
		made = versionStep(p.change.Address, id, raw["version"].Str(), from, d.After, blocks)
		p.made[id+"/"+raw["version"].Str()+"/"+d.After.Text] = made
		p.steps = append(p.steps, made)
		p.tellLatest(id)
	}
	number := planner.OutOf(made.ID, "version")
	s := p.rollStep(operation.RollNodeGroup, ref, d, r)
	s.Creates, s.Guard, s.Writes = "update", planner.Token, map[string]schema.Value{"version": number}
	s.Expects = []planner.Expect{{Ref: ref, Path: "version", Value: raw["version"]}}
	s.Args["version"], s.Args["template"], s.Args["blocks"] = number, schema.JSON(id), from["blocks"]
	p.findings = append(p.findings, p.v.inWave(p.change, p.o.Fields[d.Path], p.steps[first:], p.waves)...)
	p.goes(s, first, d, r)
	p.tellRoll(ref, r)
	return nil
}

// rollStep replaces the nodes of a group.
func (p *poolLowering) rollStep(op string, ref planner.Ref, d planner.Diff, r schema.Roll) planner.Step {
	return p.v.rollStep(p.change.Address, op, ref, p.v.imageOf(p.v.raw[ref]), d.After, r)
}

// rollStep replaces the machines of an object that are on an image by those of another; it
// holds the hours of its window.
func (v *View) rollStep(a schema.Address, op string, ref planner.Ref, from, to schema.Value, r schema.Roll) planner.Step {
	if w, named := v.world.Deployment.Windows[r.Window]; named {
		r.Hours = &w
	}
	return planner.Step{ID: a.String() + "/" + op + "/" + ref.ID(), Address: a, Op: op, Object: ref, Guard: planner.Absolute, Window: window,
		Args: map[string]schema.Value{"image": to, "from": from, "roll": schema.JSON(r)}}
}

// goes puts a roll behind the steps of its pool from the first on, and those behind the
// roll before.
func (p *poolLowering) goes(s planner.Step, first int, d planner.Diff, r schema.Roll) {
	for i := first; i < len(p.steps) && p.lastRoll != ""; i++ {
		p.steps[i].After = append(p.steps[i].After, p.lastRoll)
	}
	for _, before := range p.steps {
		s.After = append(s.After, before.ID)
	}
	p.steps = append(p.steps, p.v.gated(s, p.change, p.o.Fields[d.Path], r, p.waves))
	p.lastRoll = s.ID
}

// gated is a roll behind the gates of its image, which the switch tells, and its window.
func (v *View) gated(s planner.Step, c planner.Change, image schema.Value, r schema.Roll, waves map[string]planner.Wave) planner.Step {
	one := []planner.Step{s}
	v.inWave(c, image, one, waves)
	if w, named := v.world.Deployment.Windows[r.Window]; named {
		one[0].Gates = append(slices.Clone(one[0].Gates), planner.Gate{Kind: planner.WindowGate, Arg: r.Window, Window: w})
	}
	return one[0]
}

// tellRoll says what a roll would end, and what it has no room for.
func (p *poolLowering) tellRoll(ref planner.Ref, r schema.Roll) {
	find := func(code string, severity schema.Severity, hint, format string, args ...any) {
		p.findings = append(p.findings, schema.Finding{Code: code, Severity: severity, Address: p.change.Address, Positions: p.o.Nearest("roll"), Message: fmt.Sprintf(format, args...), Hint: hint})
	}
	if r.Force {
		find("DC841", schema.Warning, "leave force out, and a node goes when its last run has ended",
			"replaces the nodes of %s; a live run that is on one %s after it was cordoned is ended", ref.ID(), r.DrainTimeout)
	}
	if ref.Type() != "asg/group" {
		return
	}
	raw := p.v.raw[ref]
	if zones := raw["zones"].Strings(); r.Strategy != schema.InstanceRefresh && len(zones) > 1 && raw["evens"].Is == schema.Absent {
		find("DC847", schema.Warning, "suspend AZRebalance of the group: aws autoscaling suspend-processes --auto-scaling-group-name "+ref.ID()+" --scaling-processes AZRebalance",
			"%s spans %s: while its nodes are replaced, Auto Scaling may even them out and end nodes, whatever runs on them", ref.ID(), planner.Plural(len(zones), "zone"))
	}
	if raw["warm"].Bool() && r.Strategy != schema.InstanceRefresh {
		find("DC849", schema.Warning, "state strategy: \"instanceRefresh\", which replaces them; or take the warm pool away, and put it again after the switch: aws autoscaling delete-warm-pool --auto-scaling-group-name "+ref.ID()+" --force-delete",
			"%s has a warm pool, whose instances are not replaced: those on the old image come into service when the group grows", ref.ID())
	}
	most, _ := p.size(ref, "max").Float()
	desired, _ := p.size(ref, "desired").Float()
	if r.Strategy == schema.Surge && r.Unavailable() == 0 && desired >= most {
		find("DC842", schema.Warning, "raise size.max by the replacements that may stand beside, or state maxUnavailable",
			"%s has %v nodes and may have no more: no replacement can be started first until one goes by itself", ref.ID(), desired)
	}
}

// size is one of a group's sizes after the plan's steps.
func (p *poolLowering) size(ref planner.Ref, name string) schema.Value {
	for _, s := range p.steps {
		if v, written := s.Writes[name]; written && s.Object == ref {
			return v
		}
	}
	return p.v.raw[ref][name]
}

// rollNote is what a pool's roll comes to, in words; "" where nothing is replaced.
func (p *poolLowering) rollNote() string {
	r, stated := p.o.Roll()
	if !stated || p.lastRoll == "" {
		return ""
	}
	how := map[string]string{
		schema.OnDemand:        fmt.Sprintf("at most %s at once, with new ones when they are asked for", planner.Plural(r.Unavailable(), "node")),
		schema.Surge:           fmt.Sprintf("replacements are ready first, at most %d beside, %d missing", r.Most(), r.Unavailable()),
		schema.InstanceRefresh: "by an instance refresh, once no run is on any of them",
	}[r.Strategy]
	back := "turned back"
	managed := slices.ContainsFunc(p.o.Groups(), func(g schema.Group) bool { return g.NodeGroup != "" })
	switch all := !slices.ContainsFunc(p.o.Groups(), func(g schema.Group) bool { return g.NodeGroup == "" }); {
	case all:
		how, back = "by EKS, once no run is on any of them", "stopped"
	case managed:
		how += "; those of managed node groups by EKS, once no run is on any of them"
	}
	note := "then replaces the nodes of each group that are on the old image: " + how
	note += eachGoes(r, "was cordoned") + "; what pods keep on a node (emptyDir) goes with it"
	if len(p.classes) > 0 {
		note += "; NodePools hold drift as long as that takes, so that Karpenter ends none by itself"
	}
	if r.Window != "" {
		note += "; in window " + r.Window
	}
	if len(r.Alarms) > 0 {
		note += "; " + back + " where " + oneRings(r)
	}
	return note
}

// oneRings is what turns a roll back that watches alarms.
func oneRings(r schema.Roll) string {
	if len(r.Alarms) == 1 {
		return "alarm " + r.Alarms[0] + " rings"
	}
	return "one of " + planner.Plural(len(r.Alarms), "alarm") + " rings"
}

// eachGoes says when a roll ends a machine; since is what its time to get empty begins with.
func eachGoes(r schema.Roll, since string) string {
	const when = "; each goes when its last run has ended"
	switch {
	case r.Force:
		return when + ", or " + r.DrainTimeout + " after it " + since + ", with its runs"
	case r.DrainTimeout != "":
		return when + ", and the roll stops where that takes longer than " + r.DrainTimeout
	}
	return when
}
