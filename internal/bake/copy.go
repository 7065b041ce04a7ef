package bake

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// copying is bake.copy: a copy of a verified image in another region. One that
// fails is tagged with why, and taken away and made again when the apply is gone on
// with: by then somebody saw the reason.
type copying struct{ Maker }

// Observe tells where a copy is by the images of that region which this step made.
func (c copying) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	region := a.Step.Args["region"].Str()
	images, err := c.Outside.In(region).DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"tag:" + schema.TagToken: {a.Token}}})
	images = slices.DeleteFunc(images, func(i port.Image) bool { return !copyOf(a, i) })
	switch {
	case err != nil:
		return applier.Status{}, err
	case len(images) == 0 && a.Abort:
		return applier.Status{State: applier.Undone}, nil
	case len(images) == 0:
		return c.none(ctx, a)
	}
	i := images[0]
	for _, one := range images { // one that was taken away may show yet
		if !a.Begun[undo+one.ID] {
			i = one
		}
	}
	switch again := a.Begun["fail "+i.ID]; {
	case a.Abort, a.Begun[undo+i.ID]:
		return next(undo+i.ID, planner.Absolute), nil
	case i.State == "pending":
		return pending(15*time.Second, "image %s is copied to %s", i.ID, region), nil
	case i.State == "available":
		record := schema.Copied{Region: region, Image: i.ID, Of: a.Step.Args["image"].Str()}
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(i.ID), "copied": schema.JSON(record)}}, nil
	case !again:
		return next("fail "+i.ID, planner.Absolute), nil
	case a.Mark == "": // it failed before this process looked
		return next(undo+i.ID, planner.Absolute), nil
	}
	return failed("DC345: the copy %s to %s is %s: %s; domctl apply --resume %s makes it again, domctl rollback removes the others", i.ID, region, i.State, tagText(i.Reason), a.Apply), nil
}

// copyOf says that an image of the account is this step's copy: its records hold the
// making of one of that name, and EC2 says, as it does of every copy (API Reference,
// Image, SourceImageId), that it was made of the image. Whoever may tag can write
// another's token.
func copyOf(a applier.Attempt, i port.Image) bool {
	arg := func(name string) string { return a.Step.Args[name].Str() }
	return i.Tags[schema.TagToken] == a.Token && i.Tags[schema.TagKey] == arg("key") && i.Source == arg("image") && i.SourceRegion == arg("from") &&
		slices.Contains(everBegun(a, "copy"), i.Name)
}

// none is a copy that does not show: it gets the name of the image, by which other
// accounts know it.
func (c copying) none(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	source, err := c.source(ctx, a)
	return next(word(a, "copy")+" "+source.Name, planner.Token), err
}

// source is the image to copy.
func (c copying) source(ctx context.Context, a applier.Attempt) (port.Image, error) {
	id := a.Step.Args["image"].Str()
	images, err := c.Outside.DescribeImages(ctx, port.ImageQuery{IDs: []string{id}})
	if err == nil && len(images) == 0 {
		err = fmt.Errorf("DC334: image %s is gone; plan again: %w", id, port.ErrNotFound)
	}
	if err != nil {
		return port.Image{}, err
	}
	return images[0], nil
}

// Start makes the one write that the mark names.
func (c copying) Start(ctx context.Context, a applier.Attempt) error {
	o, err := orderOf(a.Step)
	if err != nil {
		return err
	}
	there := c.Outside.In(a.Step.Args["region"].Str())
	what, id, _ := strings.Cut(a.Mark, " ")
	what, _, _ = strings.Cut(what, "/")
	switch what {
	case "copy":
		err = c.copy(ctx, a, o, there, id)
	case "fail":
		err = there.CreateTags(ctx, []string{id}, map[string]string{tagFailure: "the copy failed"})
	case "undo":
		_, err = there.DeregisterImage(ctx, id)
	}
	return refused(err)
}

// copy makes the copy, by the name that its mark holds.
func (c copying) copy(ctx context.Context, a applier.Attempt, o order, there port.Images, name string) error {
	source, err := c.source(ctx, a)
	if err != nil {
		return err
	}
	tags := o.tags(a)
	tags[schema.TagVerified] = schema.Passed
	_, err = there.CopyImage(ctx, port.ImageCopy{Token: launchToken(a), Source: source.ID, SourceRegion: a.Step.Args["from"].Str(),
		Name: name, Description: source.Description, Key: a.Step.Args["kmsKey"].Str(), Tags: tags})
	return err
}

// undoCopy deregisters a copy that was made, if it is still what was made.
func undoCopy(d planner.Done) []planner.Step {
	image := planner.Ref("ec2/copy#" + d.Step.Args["region"].Str() + "/" + d.Outputs["id"].Str())
	return []planner.Step{deregister(d, image)}
}
