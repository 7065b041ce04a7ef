package world

import (
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// former is an image that an entry had baked before, or a copy of one in another
// region, and that is there.
type former struct {
	schema.Baked
	region string
	of     string // the image that was baked: itself, or what it is a copy of
	live   port.Image
}

func (f former) copied() bool { return f.of != f.Image }

// formerly are the images of an entry but the one that stands, and their copies.
func (v *View) formerly(e schema.Entry, stands string) (all []former) {
	for _, b := range e.Baked() {
		if b.Image == stands {
			continue
		}
		all = append(all, former{Baked: b, region: v.world.Deployment.AWS.Region, of: b.Image})
		for _, c := range e.Copied() {
			if c.Of == b.Image && c.Region != v.world.Deployment.AWS.Region {
				there := b
				there.Image = c.Image
				all = append(all, former{Baked: there, region: c.Region, of: b.Image})
			}
		}
	}
	return all
}

// baked is an image that an entry had baked before, or a copy of one.
func (v *View) baked(a schema.Address, id string) former {
	for _, f := range v.formerly(v.applied.Entries[a], "") {
		if f.Image == id {
			return f
		}
	}
	return former{Baked: schema.Baked{Image: id}, region: v.world.Deployment.AWS.Region, of: id}
}
