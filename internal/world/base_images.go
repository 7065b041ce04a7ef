package world

import (
	"context"

	"domctl.dev/schema"
)

// lookBaseImages reads nothing: a base image is what resolved.cue holds, and
// `domctl update` alone asks the registry. What the files state is what lives.
func lookBaseImages(_ context.Context, l *look) error {
	for _, a := range l.wanted("baseImages") {
		o, ok := l.desired.Objects[a]
		if !ok {
			continue
		}
		seen := observedOf(a.Name, 4)
		for p, v := range o.Fields {
			if p == "image" || len(p) > len("digests.") && p[:len("digests.")] == "digests." {
				seen.Fields[p] = v
			}
		}
		l.observe(a, "", seen)
	}
	return nil
}

// BaseImages are the images that the files' base images name, in order of address.
func BaseImages(d schema.Desired) (images []string) {
	for _, a := range schema.Addresses(d.Objects) {
		if image := d.Objects[a].Fields["image"].Str(); a.Kind == "baseImages" && image != "" {
			images = append(images, image)
		}
	}
	return images
}
