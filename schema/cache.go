package schema

import (
	"encoding/json"
	"slices"
)

// Cache is what a baked AMI is to hold: names of base images, and revisions of
// environments by name. Active ones are told by -1.
type Cache struct {
	Stated       bool
	Runtime      string // "docker" or "containerd"
	BaseImages   []string
	Environments map[string][]int64
	Volume       int64 // bytes of the root volume; 0 when not stated
}

// ActiveRevision stands in Cache for whichever revision is active.
const ActiveRevision = -1

// Cache of an object of amis that is baked; the zero Cache of any other.
func (o Object) Cache() Cache {
	b, ok := o.Bake()
	var bake struct {
		Cache struct {
			BaseImages   []string
			Environments map[string][]any
		}
	}
	if !ok || json.Unmarshal([]byte(o.Fields["bake"].Text), &bake) != nil {
		return Cache{}
	}
	c := Cache{Stated: true, Runtime: b.Runtime, BaseImages: bake.Cache.BaseImages, Environments: map[string][]int64{}}
	if size, err := ParseBytes(b.Volume.Size); err == nil {
		c.Volume = size
	}
	for env, revisions := range bake.Cache.Environments {
		for _, r := range revisions {
			switch r := r.(type) {
			case string:
				c.Environments[env] = append(c.Environments[env], ActiveRevision)
			case float64:
				c.Environments[env] = append(c.Environments[env], int64(r))
			}
		}
	}
	return c
}

// Cached is where the files of an AMI state that it caches an image: the list, and
// what of it is the image: the name of a base image, else the revision.
func (c Cache) Cached(ami, image Address, revision int64, active bool) (list []string, element Value) {
	list = []string{ami.Kind, ami.Name, "bake", "cache"}
	revisions, environment := c.Environments[image.Name]
	switch {
	case image.Kind == "baseImages" || !environment:
		return append(list, "baseImages"), JSON(image.Name)
	case active && slices.Contains(revisions, ActiveRevision):
		return append(list, "environments", image.Name), JSON("active")
	}
	return append(list, "environments", image.Name), JSON(revision)
}
