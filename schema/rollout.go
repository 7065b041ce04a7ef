package schema

import "slices"

// Wave is one step of the rollout of an image, as the files state it.
type Wave struct {
	Tiers     []string `json:"tiers"`
	Pools     []string `json:"pools"`
	Window    string   `json:"window"`
	Approvals int      `json:"approvals"` // people who must approve it
	Probe     *Probe   `json:"probe,omitempty"`
}

// Probe is a run that must have its images in time before a wave begins.
type Probe struct {
	Project     string `json:"project"` // its id
	Environment string `json:"environment"`
	MaxPulling  string `json:"maxPulling"`
}

// Rollout are the waves of an object of amis, in order.
func (o Object) Rollout() (waves []Wave) {
	if v := o.Fields["rollout"]; v.Is == Known {
		decode(v, &waves)
	}
	return waves
}

// Members are the tiers and pools that a wave names, in its order.
func (w Wave) Members() (all []Address) {
	for _, name := range w.Tiers {
		all = append(all, Address{Kind: "hardwareTiers", Name: name})
	}
	for _, name := range w.Pools {
		all = append(all, Address{Kind: "nodePools", Name: name})
	}
	return all
}

// UsesOf are the fields by which an object takes the image of an entry of amis, in
// order.
func (o Object) UsesOf(ami Address) (paths []string) {
	for p, v := range o.Fields {
		if to, _, ok := v.Target(); ok && to == ami {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	return paths
}
