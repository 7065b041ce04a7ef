package world

import (
	"context"
	"errors"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Images of several regions, and who may start instances of them: how they are read and
// changed.

func copyRef(region, id string) planner.Ref { return planner.Ref("ec2/copy#" + region + "/" + id) }
func permissionRef(region, id string) planner.Ref {
	return planner.Ref("ec2/permission#" + region + "/" + id)
}

// in is EC2's images of a region.
func (w *World) in(region string) port.Images {
	if region == w.Deployment.AWS.Region {
		return w.Outside
	}
	return w.Outside.In(region)
}

// readCopies asks each region once.
func (w *World) readCopies(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	byRegion := map[string][]string{}
	for _, id := range ids {
		region, image := cutID(id)
		byRegion[region] = append(byRegion[region], image)
	}
	regions := schema.Sorted(byRegion)
	found, err := each(regions, func(region string) ([]port.Image, error) {
		return w.in(region).DescribeImages(ctx, port.ImageQuery{IDs: byRegion[region]})
	})
	out := map[planner.Ref]planner.Raw{}
	for n, images := range found {
		for _, i := range images {
			out[copyRef(regions[n], i.ID)] = imageRaw(i)
		}
	}
	return out, err
}

// readPermissions asks for each image, since EC2 has no call for several.
func (w *World) readPermissions(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	found, err := each(ids, func(id string) (planner.Raw, error) {
		region, image := cutID(id)
		p, err := w.in(region).DescribeLaunchPermission(ctx, image)
		if errors.Is(err, port.ErrNotFound) {
			p, err = port.LaunchPermission{}, nil // an image that is not there is shared with nobody
		}
		return planner.Raw{"accounts": schema.JSON(listOf(p.Accounts)), "public": schema.JSON(p.Public)}, err
	})
	out := map[planner.Ref]planner.Raw{}
	for n, raw := range found {
		out[planner.Ref("ec2/permission#"+ids[n])] = raw
	}
	return out, err
}

// share tells EC2 what differs: it has no call that sets the whole list.
func share(ctx context.Context, w *World, a applier.Attempt) error {
	region, image := cutID(a.Step.Object.ID())
	add, remove := sharing(a.Step)
	return w.in(region).ModifyLaunchPermission(ctx, image, add, remove)
}

// sharing are the accounts that come and go.
func sharing(s planner.Step) (add, remove []string) {
	var before []string
	for _, e := range s.Expects {
		if e.Ref == s.Object && e.Path == "accounts" {
			before = e.Value.Strings()
		}
	}
	after := s.Writes["accounts"].Strings()
	return without(after, before), without(before, after)
}

func without(list, others []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(a string) bool { return slices.Contains(others, a) })
}

func shareCommand(m applier.Manual) string {
	region, image := cutID(m.Step.Object.ID())
	image = sh(image)
	if out, waits := m.Step.Object.Out(); waits {
		before, _, _ := strings.Cut(m.Step.Object.ID(), "#")
		region, image = strings.TrimSuffix(before, "%2F"), shellValue(m, out) // as planner.OutRef escapes a slash
	}
	users := func(accounts []string) string {
		for i, a := range accounts {
			accounts[i] = "{UserId=" + a + "}"
		}
		return "[" + strings.Join(accounts, ",") + "]"
	}
	add, remove := sharing(m.Step)
	flags := ""
	if region != "" {
		flags = " --region " + sh(region)
	}
	return "aws ec2 modify-image-attribute" + flags + " --image-id " + image + " --launch-permission " + sh("Add="+users(add)+",Remove="+users(remove))
}

// deregisterImage is of this region, or of another one that a copy lies in.
func deregisterImage(ctx context.Context, w *World, a applier.Attempt) error {
	if err := w.unclaimed(ctx, a); err != nil {
		return err
	}
	_, there, image := w.standing(a.Step)
	_, err := there.Outside.DeregisterImage(ctx, image.ID())
	return err
}

func deregisterCommand(m applier.Manual) string {
	id, flags := m.Step.Object.ID(), ""
	if m.Step.Object.Type() == "ec2/copy" {
		region, image := cutID(id)
		id, flags = image, " --region "+sh(region)
	}
	return tagChecks(m, id, flags) + "aws ec2 deregister-image" + flags + " --delete-associated-snapshots --image-id " + sh(id)
}
