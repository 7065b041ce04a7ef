package applier

import "domctl.dev/planner"

// room holds how many steps of an operation may be under way side by side, those that
// are waited for without the lock too.
type room struct {
	most  func(op string) (room string, most int) // 0: as many as there are
	taken map[string]int                          // by room
	in    map[string]bool                         // by step
}

// room has those in it that were begun and of which nobody knows an end.
func (r *run) room() *room {
	m := &room{most: r.Most, taken: map[string]int{}, in: map[string]bool{}}
	if m.most == nil {
		m.most = func(string) (string, int) { return "", 0 }
	}
	for _, s := range r.j.plan.Steps {
		if r.j.undecided(s.ID) && !r.hasStopped(s.ID) {
			m.enter(s)
		}
	}
	return m
}

// take says whether a step may be under way now.
func (m *room) take(s planner.Step) bool {
	if m.in[s.ID] {
		return true
	}
	if room, most := m.most(s.Op); most > 0 && m.taken[room] >= most {
		return false
	}
	m.enter(s)
	return true
}

func (m *room) enter(s planner.Step) {
	room, _ := m.most(s.Op)
	m.in[s.ID] = true
	m.taken[room]++
}

// leave makes room once a step is under way no longer.
func (m *room) leave(s planner.Step) {
	if m.in[s.ID] {
		delete(m.in, s.ID)
		room, _ := m.most(s.Op)
		m.taken[room]--
	}
}
