package planner

import (
	"container/heap"
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
				steps[i].afterAll(before)
				break
			}
		}
	}
	return ordered(steps)
}

// afterAll is after for many steps, none of which is twice among them.
func (s *Step) afterAll(ids []string) {
	stated := s.After
	for _, id := range ids {
		if !slices.Contains(stated, id) {
			s.After = append(s.After, id)
		}
	}
}

// ordered keeps the order of steps but where one comes after a later one. What
// goes in a circle stays at the end, where Verify refuses it.
func ordered(steps []Step) []Step {
	waits, behind, ready := make([]int, len(steps)), map[string][]int{}, new(turns)
	for i, s := range steps {
		for _, id := range s.After {
			behind[id] = append(behind[id], i)
		}
		if waits[i] = len(s.After); waits[i] == 0 {
			heap.Push(ready, i)
		}
	}
	out := make([]Step, 0, len(steps))
	for ready.Len() > 0 {
		s := steps[heap.Pop(ready).(int)]
		out = append(out, s)
		for _, i := range behind[s.ID] {
			if waits[i]--; waits[i] == 0 {
				heap.Push(ready, i)
			}
		}
	}
	for i, s := range steps {
		if waits[i] > 0 {
			out = append(out, s)
		}
	}
	return out
}

// turns is a heap of places in an order, the first on top.
type turns []int

func (p turns) Len() int           { return len(p) }
func (p turns) Less(i, j int) bool { return p[i] < p[j] }
func (p turns) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *turns) Push(i any)        { *p = append(*p, i.(int)) }
func (p *turns) Pop() any {
	last := len(*p) - 1
	i := (*p)[last]
	*p = (*p)[:last]
	return i
}
