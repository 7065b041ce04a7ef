package world

import (
	"context"
	"fmt"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// ofCopies looks at the copies of images in regions that an apply began to copy to, but
// those that an entry of *applied* has: they go with what they are copies of.
func (l *leftovers) ofCopies(ctx context.Context) error {
	recorded := map[string]bool{}
	for _, e := range l.applied.Entries {
		for _, c := range e.Copied() {
			recorded[c.Image] = true
		}
	}
	q := port.ImageQuery{Owners: []string{"self"}, Disabled: true, Filters: map[string][]string{"tag:" + schema.TagDeployment: {l.Deployment.Name}}}
	for _, region := range schema.Sorted(l.held.Regions) {
		if region == l.Deployment.AWS.Region {
			continue
		}
		there := l.from(region)
		images, err := there.Outside.DescribeImages(ctx, q)
		if err != nil {
			return fmt.Errorf("%s: %w", region, err)
		}
		var c *claims
		for _, i := range images {
			if i.State == deregistered || recorded[i.ID] {
				continue
			}
			if c == nil {
				if c, err = there.claims(ctx, ""); err != nil {
					return fmt.Errorf("%s: %w", region, err)
				}
			}
			if err := l.ofCopy(ctx, c, there, i); err != nil {
				return fmt.Errorf("%s: %w", region, err)
			}
		}
	}
	return nil
}

func (l *leftovers) ofCopy(ctx context.Context, c *claims, there *World, i port.Image) error {
	reasons, _, err := c.on(ctx, there, i.ID)
	by := l.held.Makers[i.Tags[schema.TagToken]]
	switch {
	case i.State == "pending":
		reasons = append(reasons, "it is being made")
	case by.image == "" || i.Source != by.image || i.SourceRegion != l.Deployment.AWS.Region:
		reasons = append(reasons, "EC2 does not say that it was copied from the image that the step of its tags copied")
	}
	region := there.Deployment.AWS.Region
	l.add(copyRef(region, i.ID), i.Name, i.Created, i.Tags, strings.Join(reasons, ", and "))
	return err
}
