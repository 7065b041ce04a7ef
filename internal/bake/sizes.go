package bake

import (
	"context"
	"fmt"
	"sync"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// layers tells the layers of images.
type layers interface {
	Layers(ctx context.Context, image, platform string) (port.Manifest, error)
}

// platform of what is baked: internal/world.Platform.
const platform = "linux/amd64"

// patience with registries that are asked for sizes, which are for people alone.
const patience = 10 * time.Second

// sizes are the bytes that each image adds to what the ones before it pull; nil
// where a registry does not say. An instance may hold some of them already.
func (m Maker) sizes(ctx context.Context, images []string) []int64 {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	found, errs := make([]port.Manifest, len(images)), make([]error, len(images))
	var group sync.WaitGroup
	for i, image := range images {
		group.Go(func() { found[i], errs[i] = m.Outside.Layers(ctx, image, platform) })
	}
	group.Wait()
	seen, out := map[string]bool{}, make([]int64, len(images))
	for i, manifest := range found {
		if errs[i] != nil {
			return nil
		}
		for _, l := range manifest.Layers {
			if !seen[l.Digest] {
				seen[l.Digest] = true
				out[i] += l.Size
			}
		}
	}
	return out
}

// pulls says before an image is pulled which it is, and how many bytes the ones
// before it were, of all.
func (o order) pulls(n int) string {
	of := ""
	if len(o.sizes) == len(o.images) {
		done, all := int64(0), int64(0)
		for i, size := range o.sizes {
			if all += size; i < n {
				done += size
			}
		}
		of = fmt.Sprintf(", %s of %s pulled", schema.ShortBytes(done), schema.ShortBytes(all))
	}
	return fmt.Sprintf("image %d of %d%s: %s", n+1, len(o.images), of, o.images[n])
}
