package sandbox

import (
	"cmp"

	"domctl.dev/internal/port"
)

// regional is what each region has of its own: here images and their snapshots,
// since all else of a deployment lies in one region.
type regional struct {
	Images    map[string]image    `json:"images,omitempty"`
	Snapshots map[string]snapshot `json:"snapshots,omitempty"`
}

// In is the same sandbox seen from another region.
func (w *World) In(region string) port.Images {
	there := *w
	there.region = region
	return &there
}

// region is the name of the place this view is of.
func (w *World) place(s *state) string { return cmp.Or(w.region, s.aws.Region) }

func (s *state) regional(region string) regional {
	if region == s.aws.Region {
		return regional{s.aws.Images, s.aws.Snapshots}
	}
	return s.aws.Regions[region]
}

func (w *World) here(s *state) regional { return s.regional(w.place(s)) }

// withHere is the state with other images and snapshots in this region.
func (w *World) withHere(s *state, r regional) *state {
	n := *s
	if region := w.place(s); region != s.aws.Region && len(r.Images)+len(r.Snapshots) == 0 {
		n.aws.Regions = removed(s.aws.Regions, region)
	} else if region != s.aws.Region {
		n.aws.Regions = added(s.aws.Regions, region, r)
	} else {
		n.aws.Images, n.aws.Snapshots = r.Images, r.Snapshots
	}
	return &n
}

func (w *World) withImage(s *state, id string, i image) *state {
	r := w.here(s)
	r.Images = added(r.Images, id, i)
	return w.withHere(s, r)
}
