package world

import (
	"context"
	"fmt"
	"sync"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// ImageCopy is a copy of an image in another region, of those that records speak of.
// State is EC2's; "gone" of one that it has no more.
type ImageCopy struct{ Region, Image, State string }

// copies are those of all images on record, by the image that they are copies of. Each
// region is asked once.
func (w *World) copies(ctx context.Context, applied schema.Applied) (map[string][]ImageCopy, error) {
	regions := map[string][]string{}
	for _, e := range applied.Entries {
		for _, c := range e.Copied() {
			if c.Region != w.Deployment.AWS.Region {
				regions[c.Region] = append(regions[c.Region], c.Image)
			}
		}
	}
	var mu sync.Mutex
	state := map[string]string{}
	var reads []func() error
	for region, ids := range regions {
		reads = append(reads, func() error {
			images, err := w.Outside.In(region).DescribeImages(ctx, port.ImageQuery{IDs: ids, Disabled: true})
			if err != nil {
				return fmt.Errorf("%s: %w", region, err)
			}
			mu.Lock()
			defer mu.Unlock()
			for _, i := range images {
				state[copyRef(region, i.ID).ID()] = i.State
			}
			return nil
		})
	}
	if err := sideBySide(reads...); err != nil {
		return nil, err
	}
	out := map[string][]ImageCopy{}
	for _, a := range schema.Addresses(applied.Entries) {
		for _, c := range applied.Entries[a].Copied() {
			if regions[c.Region] == nil {
				continue
			}
			copied := ImageCopy{c.Region, c.Image, state[copyRef(c.Region, c.Image).ID()]}
			if copied.State == "" || copied.State == deregistered {
				copied.State = "gone"
			}
			out[c.Of] = append(out[c.Of], copied)
		}
	}
	return out, nil
}

// Says it in words.
func (c ImageCopy) Says() string {
	if c.State == "available" {
		return c.Region + " " + c.Image
	}
	return c.Region + " " + c.Image + " (" + c.State + ")"
}
