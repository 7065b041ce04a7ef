package world

import (
	"context"
	"strconv"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// usesOfImages finds what starts machines from images that an apply made: default
// versions of launch templates, groups that name a version or a launch
// configuration, and executor groups.
func (w *World) usesOfImages(ctx context.Context, images map[planner.Ref]bool) (map[planner.Ref][]planner.Use, error) {
	if len(images) == 0 {
		return nil, nil
	}
	var templates []port.LaunchTemplate
	var current []port.LaunchTemplateVersion
	var starts map[planner.Ref][]planner.Use
	var executors []port.Document
	err := sideBySide(
		func() (err error) { templates, err = w.Outside.DescribeLaunchTemplates(ctx, nil); return err },
		func() (err error) { current, err = w.Outside.DescribeDefaultVersions(ctx); return err },
		func() (err error) { starts, err = w.usesOfStarts(ctx, true, true); return err },
		func() (err error) { executors, err = w.findExecutors(ctx); return err })
	if err != nil {
		return nil, err
	}
	var named []planner.Ref
	for r := range starts {
		if _, n := cutID(r.ID()); r.Type() == "asg/config" || n != "" && n[0] != '$' {
			named = append(named, r)
		}
	}
	raw, err := w.Read(ctx, named)
	if err != nil {
		return nil, err
	}
	out := map[planner.Ref][]planner.Use{}
	add := func(image string, uses ...planner.Use) {
		if r := imageRef(image); images[r] {
			out[r] = append(out[r], uses...)
		}
	}
	for _, r := range named {
		add(raw[r]["image"].Str(), starts[r]...)
	}
	defaults := map[string]int64{}
	for _, t := range templates {
		defaults[t.ID] = t.Default
	}
	for _, v := range current {
		n := strconv.FormatInt(v.Number, 10)
		if defaults[v.Template] == v.Number {
			add(v.Image, planner.Use{Object: templateRef(v.Template), Path: "default", Value: schema.JSON(n), Says: "it is in the default version of launch template " + v.Template})
		} else { // the latest
			add(v.Image, starts[versionRef(v.Template, "$Latest")]...)
		}
	}
	collection, paths := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	for _, d := range executors {
		ref, image := docRef(collection, idText(d["_id"])), rawOf(d).At(paths["ami"])
		add(image.Str(), planner.Use{Object: ref, Path: paths["ami"], Value: image, Says: "executor group " + idPlain(ref) + " names it"})
	}
	return out, nil
}
