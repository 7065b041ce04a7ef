package applier

import "domctl.dev/planner"

// room holds how many steps of an operation may be under way side by side, those that
// are waited for without the lock too.
type room struct {
	most  func(op string) int // 0: as many as there are
	taken map[string]int      // by operation
	in    map[string]bool     // by step
}

// room has those in it that were begun and of which nobody knows an end.
func (r *run) room() *room {
	m := &room{most: r.Most, taken: map[string]int{}, in: map[string]bool{}}
	if m.most == nil {
		m.most = func(string) int { return 0 }
	}
	for _, s := range r.j.plan.Steps {
		if r.j.undecided(s.ID) && !r.hasStopped(s.ID) {
			m.in[s.ID] = true
			m.taken[s.Op]++
		}
	}
	return m
}

// take says whether a step may be under way now.
func (m *room) take(s planner.Step) bool {
	if most := m.most(s.Op); !m.in[s.ID] && most > 0 && m.taken[s.Op] >= most {
		return false
	}
	if !m.in[s.ID] {
		m.in[s.ID] = true
		m.taken[s.Op]++
	}
	return true
}

// leave makes room once a step is under way no longer.
func (m *room) leave(s planner.Step) {
	if m.in[s.ID] {
		delete(m.in, s.ID)
		m.taken[s.Op]--
	}
}
