package engine

import (
	"context"
	"strings"

	"golang.org/x/sync/errgroup"

	"domctl.dev/internal/world"
)

// size asks registries for the images of active revisions, some of each side by side. One
// that fails says so and takes no other down, and one that does not answer holds no other
// up.
func (e *Engine) size(ctx context.Context, all []Environment) {
	byHost := map[string][]*Environment{}
	for i := range all {
		of := &all[i]
		switch r, active := of.ActiveRevision(); {
		case !active:
			of.Unsized = "no revision is active"
		case r.Image == "":
			of.Unsized = "its document names no image"
		default:
			host, _, _ := strings.Cut(r.Image, "/")
			byHost[host] = append(byHost[host], of)
		}
	}
	var hosts errgroup.Group
	for _, of := range byHost {
		hosts.Go(func() error {
			var group errgroup.Group
			group.SetLimit(askedBeside)
			for _, one := range of {
				group.Go(func() error { e.sizeOf(ctx, one); return nil })
			}
			return group.Wait()
		})
	}
	_ = hosts.Wait()
}

func (e *Engine) sizeOf(ctx context.Context, of *Environment) {
	r, _ := of.ActiveRevision()
	m, err := e.Outside.Layers(ctx, r.Image, world.Platform)
	if err != nil {
		of.Unsized = err.Error()
		return
	}
	total := int64(0)
	for _, l := range m.Layers {
		total += l.Size
	}
	of.Bytes = &total
}
