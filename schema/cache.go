package schema

import "encoding/json"

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
	var bake struct {
		Runtime string
		Volume  struct{ Size string }
		Cache   struct {
			BaseImages   []string
			Environments map[string][]any
		}
	}
	if v := o.Fields["bake"]; v.Is != Known || json.Unmarshal([]byte(v.Text), &bake) != nil {
		return Cache{}
	}
	c := Cache{Stated: true, Runtime: bake.Runtime, BaseImages: bake.Cache.BaseImages, Environments: map[string][]int64{}}
	if c.Runtime == "" {
		c.Runtime = "containerd"
	}
	if size, err := ParseBytes(bake.Volume.Size); err == nil {
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
