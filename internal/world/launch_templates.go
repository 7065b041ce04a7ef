package world

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Launch templates that are made of launch configurations. One is named before it has an
// id, and its name is what guards it.

func namedRef(name string) planner.Ref { return planner.Ref("ec2/named#" + name) }

// readNamedTemplates reads templates by name, with what their first version starts.
func (w *World) readNamedTemplates(ctx context.Context, names []string) (map[planner.Ref]planner.Raw, error) {
	out := map[planner.Ref]planner.Raw{}
	if len(names) == 0 {
		return out, nil
	}
	templates, err := w.Outside.DescribeTemplatesNamed(ctx, names)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, t := range templates {
		ids = append(ids, t.ID)
	}
	versions, err := each(ids, func(id string) ([]port.LaunchTemplateVersion, error) {
		found, err := w.Outside.DescribeLaunchTemplateVersions(ctx, id, []int64{1})
		if errors.Is(err, port.ErrNotFound) {
			return nil, nil
		}
		return found, err
	})
	if err != nil {
		return nil, err
	}
	for i, t := range templates {
		raw := planner.Raw{"id": schema.JSON(t.ID)}
		for _, v := range versions[i] {
			raw["image"] = schema.JSON(v.Image)
		}
		out[namedRef(t.Name)] = raw
	}
	return out, nil
}

// templateStep makes a template of a launch configuration, as it stands but for the image
// and the snapshot of the root device, which is that of the image before.
func templateStep(a schema.Address, from, name, root string, image schema.Value, source planner.Raw) planner.Step {
	return planner.Step{ID: a.String() + "/" + operation.CreateLaunchTemplate + "/" + name, Address: a, Op: operation.CreateLaunchTemplate,
		Object: namedRef(name), Creates: "template", Guard: planner.Name, Window: window,
		Writes:  map[string]schema.Value{"": planner.Exists(), "image": image},
		Args:    map[string]schema.Value{"from": schema.JSON(from), "root": schema.JSON(root)},
		Expects: []planner.Expect{{Ref: namedRef(name)}, {Ref: configRef(from), Path: "image", Value: source["image"]}}}
}

func observeTemplate(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return applier.Status{}, err
	}
	st := w.judge(a, raw[a.Step.Object])
	if st.State == applier.Finished {
		st.Outputs = map[string]schema.Value{"template": raw[a.Step.Object]["id"]}
	}
	return st, nil
}

func createTemplate(ctx context.Context, w *World, a applier.Attempt) error {
	_, err := w.Outside.CreateLaunchTemplate(ctx, port.NewLaunchTemplate{Name: a.Step.Object.ID(), Configuration: a.Step.Args["from"].Str(),
		Image: a.Step.Writes["image"].Str(), Root: a.Step.Args["root"].Str(), Description: "domctl " + a.Token, Token: a.Token})
	return err
}

func undoTemplate(d planner.Done) []planner.Step {
	ref := templateRef(d.Outputs["template"].Str())
	return []planner.Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: operation.DeleteLaunchTemplate, Object: ref,
		Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"": {}},
		Expects: []planner.Expect{{Ref: ref, Path: "name", Value: schema.JSON(d.Step.Object.ID())}, {Ref: ref, Path: "latest", Value: versionText(1)}}}}
}

// deleteTemplate looks first, as deleteVersion does: EC2 deletes a template that a group
// names.
func deleteTemplate(ctx context.Context, w *World, a applier.Attempt) error {
	uses, err := w.usesOfTemplates(ctx, map[planner.Ref]bool{a.Step.Object: true})
	if err != nil {
		return &applier.Refusal{Err: err}
	}
	if used := uses[a.Step.Object]; len(used) > 0 {
		return fmt.Errorf("launch template %s is %w: %s", a.Step.Object.ID(), port.ErrInUse, used[0].Says)
	}
	return w.Outside.DeleteLaunchTemplate(ctx, a.Step.Object.ID())
}

// usesOfTemplates are the groups that name any version of a template.
func (w *World) usesOfTemplates(ctx context.Context, templates map[planner.Ref]bool) (map[planner.Ref][]planner.Use, error) {
	out := map[planner.Ref][]planner.Use{}
	if len(templates) == 0 {
		return out, nil
	}
	starts, _, err := w.usesOfStarts(ctx, true, false)
	for _, made := range schema.Sorted(starts) {
		t, _ := cutID(made.ID())
		if ref := templateRef(t); made.Type() == "ec2/version" && templates[ref] {
			out[ref] = append(out[ref], starts[made]...)
		}
	}
	return out, err
}

// move takes a group from its launch configuration to a template that is made of it,
// once for all groups of the pool that share it. The configuration stays: a rollback
// goes back to it.
func (p *poolLowering) move(ref planner.Ref, group planner.Raw, image schema.Value) *schema.Finding {
	from := group["launchConfiguration"].Str()
	source := p.v.raw[configRef(from)]
	if source == nil {
		return p.block("DC246", ref.ID()+" has neither a launch template nor a launch configuration that is there", "check the group")
	}
	if image.Is == schema.Absent {
		image = source["image"]
	}
	made, ok := p.made[string(namedRef(from))]
	if !ok {
		name := p.v.freeTemplate(p.change.Address, from)
		if name == "" {
			return p.block("DC850", "every name that a launch template made of "+from+" could have is taken", "delete launch templates that nothing uses")
		}
		made = templateStep(p.change.Address, from, name, p.v.raw[imageRef(source["image"].Str())]["rootDevice"].Str(), image, source)
		p.made[string(namedRef(from))] = made
		p.steps = append(p.steps, made)
		p.findings = append(p.findings, schema.Finding{Code: "DC851", Severity: schema.Info, Address: p.change.Address, Positions: p.change.Positions,
			Message: "makes launch template " + name + " of launch configuration " + from + ", with its block devices, user data, security groups, profile, metadata options and Spot price; nodes that run stay, and so does the configuration"})
	}
	p.steps = append(p.steps, groupStep(p.change.Address, ref, map[string]schema.Value{"launchConfiguration": schema.JSON(""),
		"template": planner.OutOf(made.ID, "template"), "version": versionText(1)}, nil, group))
	return nil
}

// moves says whether a group is to leave its launch configuration by this change.
func (p *poolLowering) moves(g schema.Group, group planner.Raw) bool {
	at := "groups." + schema.JoinPath(g.Key()) + ".launch"
	for _, d := range p.change.Fields {
		if d.Path == at && p.o.Owner("launch") == "domctl" {
			return g.NodeGroup == "" && group["template"].Str() == ""
		}
	}
	return false
}

// templateNames are the names that a template made of a configuration may have, best
// first: 3 to 128 letters, digits and ().-/_.
func templateNames(a schema.Address, from string) []string {
	stem, _, _ := strings.Cut(from, "-domctl-")
	stem = strings.Map(func(r rune) rune {
		if r < 128 && (r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || strings.ContainsRune("().-/_", r)) {
			return r
		}
		return '-'
	}, stem)
	end := "-domctl-" + schema.DigestOf([]string{a.String(), from})[:8]
	names := make([]string, copyTries)
	for i := range names {
		last := end
		if i > 0 {
			last += fmt.Sprintf("-%d", i+1)
		}
		names[i] = stem[:min(len(stem), 128-len(last))] + last
	}
	return names
}

// freeTemplate is the first of the names that nobody has: a template of that name may
// launch anything.
func (v *View) freeTemplate(a schema.Address, from string) string {
	for _, name := range templateNames(a, from) {
		if v.raw[namedRef(name)] == nil {
			return name
		}
	}
	return ""
}

// templates are the names that templates could have, of the configurations that groups
// are to leave.
func (l *look) templates() []string {
	names := map[string]bool{}
	for a, from := range l.leaving() {
		for _, config := range from {
			for _, n := range templateNames(a, config) {
				names[n] = true
			}
		}
	}
	return schema.Sorted(names)
}

// leaving are the launch configurations that groups of each pool are to leave.
func (l *look) leaving() map[schema.Address][]string {
	out := map[schema.Address][]string{}
	for _, a := range l.wanted("nodePools") {
		o := l.desired.Objects[a]
		for _, g := range o.Groups() {
			from := l.view.raw[l.groupRefOf(g)]["launchConfiguration"].Str()
			if _, stated := o.Fields["groups."+schema.JoinPath(g.Key())+".launch"]; stated && from != "" {
				out[a] = append(out[a], from)
			}
		}
	}
	return out
}
