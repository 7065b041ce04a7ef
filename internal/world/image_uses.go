package world

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// imageUse is one reference to an image. Starts says that new machines come of it: a
// machine that runs, or a launch configuration that no group names, only has it.
type imageUse struct {
	planner.Use
	starts bool
}

// startsOfImages finds what starts machines from images that an apply made, which a
// rollback must not pull away from under it.
func (w *World) startsOfImages(ctx context.Context, images map[planner.Ref]bool) (map[planner.Ref][]planner.Use, error) {
	if len(images) == 0 {
		return nil, nil
	}
	found, err := w.usesOfImages(ctx, false)
	if err != nil {
		return nil, err
	}
	out := map[planner.Ref][]planner.Use{}
	for r := range images {
		for _, u := range found.of(r) {
			if u.starts {
				out[r] = append(out[r], u.Use)
			}
		}
	}
	return out, nil
}

// imageUses gathers what an account and a database name of images.
type imageUses struct {
	*World
	templates  []port.LaunchTemplate
	current    []port.LaunchTemplateVersion
	starts     map[planner.Ref][]planner.Use // by version and launch configuration
	overrides  map[string][]planner.Use      // by what a mixed instances policy names as an image
	executors  []port.Document
	instances  []port.Instance
	configs    []port.LaunchConfiguration
	numbered   map[planner.Ref]planner.Raw // those that groups name
	parameters map[string]string
	found      map[planner.Ref][]imageUse
	unknown    []imageUse // of what image, cannot be told: of any
}

// of are the references to one image.
func (u *imageUses) of(image planner.Ref) []imageUse {
	return append(slices.Clone(u.found[image]), u.unknown...)
}

// usesOfImages finds what names images in this account and region, and in Domino's
// database: default and latest versions of launch templates, groups that name a
// version, a launch configuration or, in an override, an image, and executor groups; with all of it also
// instances, launch configurations that no group names, and latest versions that
// none follows. What cannot be read is an error.
func (w *World) usesOfImages(ctx context.Context, all bool) (*imageUses, error) {
	u := &imageUses{World: w, found: map[planner.Ref][]imageUse{}}
	reads := []func() error{
		func() (err error) { u.templates, err = w.Outside.DescribeLaunchTemplates(ctx, nil); return err },
		func() (err error) { u.current, err = w.Outside.DescribeDefaultVersions(ctx); return err },
		func() (err error) { u.starts, u.overrides, err = w.usesOfStarts(ctx, true, true); return err },
		func() (err error) { u.executors, err = w.findExecutors(ctx); return err }}
	if all {
		reads = append(reads,
			func() (err error) { u.instances, err = w.Outside.DescribeInstances(ctx, port.Select{}); return err },
			func() (err error) { u.configs, err = w.Outside.DescribeLaunchConfigurations(ctx, nil); return err })
	}
	if err := sideBySide(reads...); err != nil {
		return nil, fmt.Errorf("uses of images: %w", err)
	}
	if err := u.named(ctx); err != nil {
		return nil, fmt.Errorf("uses of images: %w", err)
	}
	u.ofTemplates(all)
	for _, r := range schema.Sorted(u.numbered) {
		u.add(u.numbered[r]["image"].Str(), true, u.starts[r]...)
	}
	for _, image := range schema.Sorted(u.overrides) {
		u.add(image, true, u.overrides[image]...)
	}
	for _, c := range u.configs {
		u.add(c.Image, false, planner.Use{Object: configRef(c.Name), Path: "image", Value: schema.JSON(c.Image), Says: "launch configuration " + c.Name + " names it"})
	}
	for _, i := range u.instances {
		if !i.Going() {
			u.add(i.Image, false, planner.Use{Object: instanceRef(i.ID), Says: "instance " + i.ID + " is " + i.State})
		}
	}
	collection, paths := executorPaths(w.Deployment.Mongo.Mapping.ExecutorGroups)
	for _, d := range u.executors {
		ref, image := docRef(collection, idText(d["_id"])), rawOf(d).At(paths["ami"])
		u.add(image.Str(), true, planner.Use{Object: ref, Path: paths["ami"], Value: image, Says: "executor group " + idPlain(ref) + " names it"})
	}
	return u, nil
}

// named reads the versions and launch configurations that groups name, and the
// parameters that versions name in place of an image.
func (u *imageUses) named(ctx context.Context) error {
	var refs []planner.Ref
	for r := range u.starts {
		if _, n := cutID(r.ID()); r.Type() == "asg/config" || n != "" && n[0] != '$' {
			refs = append(refs, r)
		}
	}
	var err error
	if u.numbered, err = u.Read(ctx, refs); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, v := range u.current {
		names[parameterOf(v.Image)] = true
	}
	for image := range u.overrides {
		names[parameterOf(image)] = true
	}
	for _, raw := range u.numbered {
		names[parameterOf(raw["image"].Str())] = true
	}
	if delete(names, ""); len(names) > 0 {
		u.parameters, err = u.Outside.GetParameters(ctx, schema.Sorted(names))
	}
	return err
}

// parameterOf is the SSM parameter that a launch template names in place of an
// image, "" for none: "resolve:ssm:name", with a version or label behind another
// colon.
// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/create-launch-template.html#use-an-ssm-parameter-instead-of-an-ami-id
func parameterOf(image string) string {
	name, _ := strings.CutPrefix(image, "resolve:ssm:")
	if name == image {
		return ""
	}
	return name
}

func (u *imageUses) add(image string, starts bool, uses ...planner.Use) {
	name := parameterOf(image)
	if name != "" {
		image = u.parameters[name]
	}
	for _, use := range uses {
		if name != "" && image == "" {
			use.Says += ", or another: SSM parameter " + name + " has no value that tells"
			u.unknown = append(u.unknown, imageUse{use, starts})
		} else if r := imageRef(image); image != "" {
			u.found[r] = append(u.found[r], imageUse{use, starts})
		}
	}
}

func (u *imageUses) ofTemplates(all bool) {
	defaults := map[string]int64{}
	for _, t := range u.templates {
		defaults[t.ID] = t.Default
	}
	for _, v := range u.current {
		n := strconv.FormatInt(v.Number, 10)
		if defaults[v.Template] == v.Number {
			u.add(v.Image, true, planner.Use{Object: templateRef(v.Template), Path: "default", Value: schema.JSON(n), Says: "it is in the default version of launch template " + v.Template})
			continue
		}
		u.add(v.Image, true, u.starts[versionRef(v.Template, "$Latest")]...)
		if all {
			u.add(v.Image, false, planner.Use{Object: versionRef(v.Template, n), Path: "image", Value: schema.JSON(v.Image), Says: "it is in the latest version of launch template " + v.Template})
		}
	}
}
