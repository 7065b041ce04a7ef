package planner

import (
	"strings"

	"domctl.dev/schema"
)

// again plans what follows from what is taken back, each after what came before it. A step
// that the apply did not do follows from its writes all the same: what they switched has
// been started since, by who scales it or by a later apply.
func (r *restorer) again(s Snapshot) {
	what, all, done := map[schema.Address][]string{}, map[string]Step{}, map[string]bool{}
	var order []string
	add := func(step Step, is bool) {
		if s.Later[step.Address] == "" {
			all[step.ID], done[step.ID], order = step, is, append(order, step.ID)
		}
	}
	for _, d := range s.Done {
		add(d.Step, true)
	}
	for _, step := range s.Rest {
		add(step, false)
	}
	seen := map[string]bool{}
	var visit func(id string)
	visit = func(id string) {
		d, there := all[id]
		if seen[id] || !there {
			return
		}
		seen[id] = true
		for _, before := range d.After {
			visit(before)
		}
		if !done[id] && !r.follows(d, all, done) {
			return
		}
		for _, step := range r.past.Again(d, done[id]) {
			for _, before := range d.After {
				step.afterAll(r.undo[before])
			}
			r.undo[id] = append(r.undo[id], step.ID)
			if r.judge(step) {
				r.plan.Steps = append(r.plan.Steps, step)
				what[step.Address] = append(what[step.Address], step.Object.ID())
			}
		}
	}
	for _, id := range order {
		visit(id)
	}
	for a, c := range r.change {
		if len(what[a]) > 0 {
			c.Note = "then replaces in turn what the apply replaced: " + strings.Join(what[a], ", ")
		}
	}
}

// follows says that the writes which a step comes after, of its address, were all done, and
// that some of them are taken back.
func (r *restorer) follows(s Step, all map[string]Step, done map[string]bool) bool {
	whole, back, seen := true, false, map[string]bool{}
	var visit func(Step)
	visit = func(at Step) {
		for _, id := range at.After {
			before, there := all[id]
			if !there || seen[id] || before.Address != s.Address {
				continue
			}
			seen[id] = true
			if len(before.Writes) > 0 || before.Creates != "" {
				whole, back = whole && done[id], back || len(r.undo[id]) > 0
			}
			visit(before)
		}
	}
	visit(s)
	return whole && back
}
