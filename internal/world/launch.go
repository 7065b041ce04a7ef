package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// What groups start nodes from: launch templates, their versions, launch
// configurations, and the calls that make, switch and delete them.

func templateRef(id string) planner.Ref   { return planner.Ref("ec2/template#" + id) }
func versionRef(id, n string) planner.Ref { return planner.Ref("ec2/version#" + id + "/" + n) }
func groupRef(name string) planner.Ref    { return planner.Ref("asg/group#" + name) }
func configRef(name string) planner.Ref   { return planner.Ref("asg/config#" + name) }
func nodeGroupRef(cluster, name string) planner.Ref {
	return planner.Ref("eks/nodegroup#" + cluster + "/" + name)
}

// cutID splits "a/b" at the last slash.
func cutID(id string) (before, after string) {
	i := strings.LastIndex(id, "/")
	return id[:max(i, 0)], id[i+1:]
}

func (w *World) readTemplates(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	if len(ids) == 0 {
		return nil, nil // the port takes none for all
	}
	templates, err := w.Outside.DescribeLaunchTemplates(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := map[planner.Ref]planner.Raw{}
	for _, t := range templates {
		out[templateRef(t.ID)] = planner.Raw{"name": schema.JSON(t.Name), "default": versionText(t.Default), "latest": versionText(t.Latest)}
	}
	return out, nil
}

// versionText is a version number as groups state it: text.
func versionText(n int64) schema.Value { return schema.JSON(strconv.FormatInt(n, 10)) }

// readCurrentVersions reads the default and the latest version of every
// template in one paged call, which is more than is asked for and fewer calls
// than one a template.
func (w *World) readCurrentVersions(ctx context.Context, templates int) (map[planner.Ref]planner.Raw, error) {
	out := map[planner.Ref]planner.Raw{}
	if templates == 0 {
		return out, nil
	}
	all, err := w.Outside.DescribeDefaultVersions(ctx)
	addVersions(out, all)
	return out, err
}

// readVersions asks each template for the versions named: EC2 has no call that
// answers numbered versions of several.
func (w *World) readVersions(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	numbers := map[string][]int64{}
	for _, id := range ids {
		t, n := cutID(id)
		number, err := strconv.ParseInt(n, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s is not a version number", n)
		}
		numbers[t] = append(numbers[t], number)
	}
	found, err := each(schema.Sorted(numbers), func(t string) ([]port.LaunchTemplateVersion, error) {
		versions, err := w.Outside.DescribeLaunchTemplateVersions(ctx, t, numbers[t])
		if errors.Is(err, port.ErrNotFound) {
			return nil, nil // a template that is not there has no versions
		}
		return versions, err
	})
	out := map[planner.Ref]planner.Raw{}
	for _, versions := range found {
		addVersions(out, versions)
	}
	return out, err
}

func addVersions(out map[planner.Ref]planner.Raw, versions []port.LaunchTemplateVersion) {
	for _, v := range versions {
		raw := planner.Raw{"image": schema.JSON(v.Image),
			"blocks": schema.JSON(v.Blocks), "description": schema.JSON(v.Description), "instanceType": schema.JSON(v.InstanceType)}
		for feature, on := range map[string]bool{"lazyPull": v.LazyPull, "copiesCache": v.CopiesCache} {
			if on {
				raw[feature] = schema.JSON(true)
			}
		}
		out[versionRef(v.Template, strconv.FormatInt(v.Number, 10))] = raw
	}
}

func (w *World) readConfigurations(ctx context.Context, names []string) (map[planner.Ref]planner.Raw, error) {
	if len(names) == 0 {
		return nil, nil // the port takes none for all
	}
	configs, err := w.Outside.DescribeLaunchConfigurations(ctx, names)
	if err != nil {
		return nil, err
	}
	out := map[planner.Ref]planner.Raw{}
	for _, c := range configs {
		out[configRef(c.Name)] = planner.Raw{"image": schema.JSON(c.Image), "instanceType": schema.JSON(c.InstanceType), "blocks": schema.JSON(c.Blocks)}
	}
	return out, nil
}

// versionStep makes a version from the one the group uses, with the image and
// with the block devices restated.
func versionStep(a schema.Address, id, source string, from planner.Raw, image, blocks schema.Value) planner.Step {
	return planner.Step{ID: a.String() + "/" + operation.CreateLaunchTemplateVersion + "/" + id + "/" + source + "/" + image.Display(), Address: a, Op: operation.CreateLaunchTemplateVersion,
		Object: templateRef(id), Creates: "version", Guard: planner.Token, Window: window,
		Args:    map[string]schema.Value{"source": schema.JSON(source), "image": image, "blocks": blocks},
		Expects: []planner.Expect{{Ref: versionRef(id, source), Path: "image", Value: from["image"]}}}
}

func defaultStep(a schema.Address, id string, template planner.Raw, number schema.Value, follows planner.Expect) planner.Step {
	return planner.Step{ID: a.String() + "/" + operation.ModifyLaunchTemplate + "/" + id, Address: a, Op: operation.ModifyLaunchTemplate,
		Object: templateRef(id), Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"default": number},
		Expects: []planner.Expect{{Ref: templateRef(id), Path: "default", Value: template["default"]}, follows}}
}

// observeVersion recognises the version by the token in its description.
func observeVersion(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	versions, err := w.Outside.DescribeLaunchTemplateVersions(ctx, a.Step.Object.ID(), nil)
	if err != nil {
		return applier.Status{}, err
	}
	for _, v := range versions {
		if strings.Contains(v.Description, a.Token) {
			return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"version": versionText(v.Number)}}, nil
		}
	}
	if a.Abort {
		return applier.Status{State: applier.Undone}, nil
	}
	return applier.Status{State: applier.Next}, nil
}

func createVersion(ctx context.Context, w *World, a applier.Attempt) error {
	source, err := strconv.ParseInt(a.Step.Args["source"].Str(), 10, 64)
	if err != nil {
		return err
	}
	_, err = w.Outside.CreateLaunchTemplateVersion(ctx, port.NewLaunchTemplateVersion{Template: a.Step.Object.ID(), Token: a.Token,
		Description: "domctl " + a.Token, Source: source, Image: a.Step.Args["image"].Str(), Blocks: a.Step.Args["blocks"].Str()})
	return err
}

func undoVersion(d planner.Done) []planner.Step {
	ref := versionRef(d.Step.Object.ID(), d.Outputs["version"].Str())
	return []planner.Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: operation.DeleteLaunchTemplateVersion, Object: ref,
		Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"": {}},
		Expects: []planner.Expect{{Ref: ref, Path: "image", Value: d.Step.Args["image"]}}}}
}

// deleteVersion looks first: EC2 deletes a version that a group still names, and
// the group then starts no more nodes. What used it when the rollback was planned
// was left out of the plan.
func deleteVersion(ctx context.Context, w *World, a applier.Attempt) error {
	t, n := cutID(a.Step.Object.ID())
	number, err := strconv.ParseInt(n, 10, 64)
	if err != nil {
		return err
	}
	uses, _, err := w.usesOfStarts(ctx, true, false)
	if err != nil {
		return &applier.Refusal{Err: err}
	}
	if used := uses[a.Step.Object]; len(used) > 0 {
		return fmt.Errorf("version %s of launch template %s is %w: %s", n, t, port.ErrInUse, used[0].Says)
	}
	return w.Outside.DeleteLaunchTemplateVersion(ctx, t, number)
}

func modifyTemplate(ctx context.Context, w *World, a applier.Attempt) error {
	number, err := strconv.ParseInt(a.Step.Writes["default"].Str(), 10, 64)
	if err != nil {
		return err
	}
	return w.Outside.ModifyLaunchTemplate(ctx, a.Step.Object.ID(), number)
}

func copyStep(a schema.Address, from, name string, image schema.Value, source planner.Raw) planner.Step {
	return planner.Step{ID: a.String() + "/" + operation.CopyLaunchConfiguration + "/" + name, Address: a, Op: operation.CopyLaunchConfiguration,
		Object: configRef(name), Creates: "name", Guard: planner.Name, Window: window,
		Writes:  map[string]schema.Value{"": planner.Exists(), "image": image},
		Args:    map[string]schema.Value{"from": schema.JSON(from)},
		Expects: []planner.Expect{{Ref: configRef(name)}, {Ref: configRef(from), Path: "image", Value: source["image"]}}}
}

func observeConfiguration(ctx context.Context, w *World, a applier.Attempt) (applier.Status, error) {
	raw, err := w.Read(ctx, []planner.Ref{a.Step.Object})
	if err != nil {
		return applier.Status{}, err
	}
	st := w.judge(a, raw[a.Step.Object])
	if st.State == applier.Finished {
		st.Outputs = map[string]schema.Value{"name": schema.JSON(a.Step.Object.ID())}
	}
	return st, nil
}

func copyConfiguration(ctx context.Context, w *World, a applier.Attempt) error {
	return w.Outside.CopyLaunchConfiguration(ctx, a.Step.Args["from"].Str(), a.Step.Object.ID(), a.Step.Writes["image"].Str())
}

func undoConfiguration(d planner.Done) []planner.Step {
	return []planner.Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: operation.DeleteLaunchConfiguration, Object: d.Step.Object,
		Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{"": {}},
		Expects: []planner.Expect{{Ref: d.Step.Object, Path: "image", Value: d.Step.Writes["image"]}}}}
}

func deleteConfiguration(ctx context.Context, w *World, a applier.Attempt) error {
	return w.Outside.DeleteLaunchConfiguration(ctx, a.Step.Object.ID())
}

// groupStep updates one group. Besides what it writes it expects whatever else
// decided it.
func groupStep(a schema.Address, ref planner.Ref, writes, decided map[string]schema.Value, group planner.Raw) planner.Step {
	s := planner.Step{ID: a.String() + "/" + operation.UpdateAutoScalingGroup + "/" + ref.ID(), Address: a, Op: operation.UpdateAutoScalingGroup,
		Object: ref, Guard: planner.Absolute, Window: window, Writes: map[string]schema.Value{}, Args: decided}
	for _, p := range schema.Sorted(writes) {
		if writes[p].Is == schema.Absent || writes[p] == group[p] {
			continue
		}
		s.Writes[p] = writes[p]
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: p, Value: group[p]})
	}
	for _, p := range schema.Sorted(decided) {
		s.Expects = append(s.Expects, planner.Expect{Ref: ref, Path: p, Value: decided[p]})
	}
	return s
}

func updateGroup(ctx context.Context, w *World, a applier.Attempt) error {
	u := port.GroupUpdate{Name: a.Step.Object.ID(), LaunchConfiguration: a.Step.Writes["launchConfiguration"].Str(),
		Template: cmp.Or(a.Step.Writes["template"].Str(), a.Step.Args["template"].Str()), Version: a.Step.Writes["version"].Str(), Mixed: a.Step.Args["mixed"].Bool()}
	u.Min, u.Max, u.Desired = sizes(a.Step.Writes)
	if u.Max != nil || u.Desired != nil {
		groups, err := w.Outside.DescribeAutoScalingGroups(ctx, []string{u.Name})
		if err != nil {
			return errors.Join(port.ErrUnsent, err)
		}
		if len(groups) > 0 {
			if err := w.shrinks(ctx, []string{u.Name}, groups[0].Desired, u.Max, u.Desired); err != nil {
				return err
			}
		}
	}
	return w.Outside.UpdateAutoScalingGroup(ctx, u)
}

func sizes(writes map[string]schema.Value) (lo, hi, desired *int64) {
	at := func(p string) *int64 {
		f, ok := writes[p].Float()
		if !ok {
			return nil
		}
		n := int64(f)
		return &n
	}
	return at("min"), at("max"), at("desired")
}
