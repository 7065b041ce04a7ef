package sandbox

import (
	"cmp"

	"domctl.dev/internal/port"
)

// regional is what each region has of its own: images and their snapshots, and what
// may name them, since all else of a deployment lies in one region.
type regional struct {
	AutoScalingGroups    map[string]group               `json:"autoScalingGroups,omitempty"`
	Images               map[string]image               `json:"images,omitempty"`
	Instances            map[string]instance            `json:"instances,omitempty"`
	LaunchConfigurations map[string]launchConfiguration `json:"launchConfigurations,omitempty"`
	LaunchTemplates      map[string]launchTemplate      `json:"launchTemplates,omitempty"`
	Parameters           map[string]string              `json:"parameters,omitempty"`
	Snapshots            map[string]snapshot            `json:"snapshots,omitempty"`
}

func (r regional) empty() bool {
	return len(r.AutoScalingGroups)+len(r.Images)+len(r.Instances)+len(r.LaunchConfigurations)+len(r.LaunchTemplates)+len(r.Parameters)+len(r.Snapshots) == 0
}

// from is the state as a read in this view's region finds it.
func (w *World) from(s *state) *state {
	if w.place(s) == s.aws.Region {
		return s
	}
	n, r := *s, w.here(s)
	n.aws.AutoScalingGroups, n.aws.Instances, n.aws.LaunchConfigurations = r.AutoScalingGroups, r.Instances, r.LaunchConfigurations
	n.aws.LaunchTemplates, n.aws.Parameters = r.LaunchTemplates, r.Parameters
	return &n
}

// In is the same sandbox seen from another region.
func (w *World) In(region string) port.Region {
	there := *w
	there.region = region
	return &there
}

// region is the name of the place this view is of.
func (w *World) place(s *state) string { return cmp.Or(w.region, s.aws.Region) }

func (s *state) regional(region string) regional {
	if region == s.aws.Region {
		return regional{Images: s.aws.Images, Snapshots: s.aws.Snapshots}
	}
	return s.aws.Regions[region]
}

func (w *World) here(s *state) regional { return s.regional(w.place(s)) }

// withHere is the state with other images and snapshots in this region.
func (w *World) withHere(s *state, r regional) *state {
	n := *s
	if region := w.place(s); region != s.aws.Region && r.empty() {
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
