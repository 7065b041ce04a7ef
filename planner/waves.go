package planner

import (
	"slices"

	"domctl.dev/schema"
)

// Wave is a step's place in a rollout: those of an earlier wave of the same object
// come first.
type Wave struct {
	Of schema.Address // whose rollout it is
	N  int            // from 0
}

// inWaves puts each step after those of the wave before its own, and the steps into
// an order in which each comes after those before it.
func inWaves(steps []Step, waves map[string]Wave) []Step {
	if len(waves) == 0 {
		return steps
	}
	members := map[Wave][]string{}
	for _, s := range steps {
		if w, ok := waves[s.ID]; ok {
			members[w] = append(members[w], s.ID)
		}
	}
	for i := range steps {
		w, ok := waves[steps[i].ID]
		for n := w.N - 1; ok && n >= 0; n-- {
			if before := members[Wave{w.Of, n}]; len(before) > 0 {
				for _, id := range before {
					steps[i].after(id)
				}
				break
			}
		}
	}
	return ordered(steps)
}

// ordered keeps the order of steps but where one comes after a later one. What
// goes in a circle stays at the end, where Verify refuses it.
func ordered(steps []Step) (out []Step) {
	done := map[string]bool{}
	for left := steps; len(left) > 0; {
		i := slices.IndexFunc(left, func(s Step) bool { return !slices.ContainsFunc(s.After, func(id string) bool { return !done[id] }) })
		if i < 0 {
			return append(out, left...)
		}
		out, done[left[i].ID] = append(out, left[i]), true
		left = slices.Concat(left[:i], left[i+1:])
	}
	return out
}
