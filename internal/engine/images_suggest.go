package engine

import (
	"fmt"
	"path"
	"slices"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// pools are the labels that the files know, when choices by pool are asked for:
// what runs where must be known then.
func (r Images) pools() (map[string]schema.Address, error) {
	labels := world.PoolLabels(r.Compiled.Desired)
	if len(r.Pools) > 0 && r.Compiled.Desired.Deployment.Mongo.Mapping.HardwareTiers.Fields["runs"] == "" {
		return nil, fmt.Errorf("--pool: nothing says which tier a run used; state the field that holds it: deployment: mongo: mapping: hardwareTiers: fields: runs: \"…\"")
	}
	return labels, nil
}

// suggestEach chooses for each pool that a pattern names, counting what ran there;
// a pinned project may run in any of them.
func (f *Forecast) suggestEach(labels map[string]schema.Address, patterns []string, disk int64, even bool) error {
	known := map[string]string{} // label → name in the files
	for label, a := range labels {
		known[label] = a.Name
	}
	for _, i := range f.Images {
		for label := range i.used.Pools {
			if _, ok := known[label]; !ok && label != "" {
				known[label] = label
			}
		}
	}
	chosen := map[string]bool{}
	for _, p := range patterns {
		found := false
		for label, name := range known {
			if ok, err := path.Match(p, label); err != nil {
				return fmt.Errorf("--pool %q: %w", p, err)
			} else if ok || name == p {
				chosen[label], found = true, true
			}
		}
		if !found {
			return fmt.Errorf("--pool %q is no pool of the files, and nothing ran in one of that label; there is %s", p, schema.Listed(schema.Sorted(known), "and"))
		}
	}
	for _, label := range schema.Sorted(chosen) {
		s, _ := f.suggest(disk, func(i ImagePull) int64 {
			switch ran := i.used.Pools[label]; {
			case i.used.Base:
				return 0
			case even:
				return min(ran, 1)
			default:
				return ran + i.Pinned
			}
		})
		s.Pool = label
		f.SuggestedByPool = append(f.SuggestedByPool, *s)
	}
	return nil
}

// suggest chooses what to cache, and answers what a node then holds.
func (f *Forecast) suggest(disk int64, weight func(ImagePull) int64) (*Suggestion, *planner.Disk) {
	engine := planner.Engine(f.Engine)
	var candidates []planner.Candidate
	var at []int
	s := &Suggestion{Disk: disk, Limit: kubeletLeaves(disk), Images: []int{}}
	none := planner.NewDisk(engine)
	for i, image := range f.Images {
		if image.Problem == "" {
			c := planner.Candidate{Content: image.content, Weight: weight(image)}
			candidates, at = append(candidates, c), append(at, i)
			s.Whole = planner.Weighed(s.Whole, c.Weight, none.Forecast(image.content).Transfer)
		}
	}
	c := planner.Choose(engine, candidates, s.Limit)
	s.Saved, s.Most, s.Proven, s.Cost = c.Saved, c.Most, c.Proven, c.Cost
	held := planner.NewDisk(engine)
	for _, i := range c.Chosen {
		s.Images = append(s.Images, at[i])
		s.Weights = append(s.Weights, candidates[i].Weight)
		held.Pull(candidates[i].Content)
	}
	return s, held
}

// Cache is the chosen images as a bake's cache has them, and those that the
// files have no name for.
func (f Forecast) Cache(s Suggestion) (c schema.Cache, unnamed []string) {
	var chosen []world.UsedImage
	for _, i := range s.Images {
		chosen = append(chosen, f.Images[i].used)
	}
	return world.CacheOf(chosen)
}

// Choices are those by pool where they are asked for, else the one for all.
func (f Forecast) Choices() []Suggestion {
	if len(f.SuggestedByPool) > 0 {
		return slices.Clone(f.SuggestedByPool)
	}
	return []Suggestion{*f.Suggested}
}
