package applier

import (
	"container/heap"
	"sort"
)

// queue gives out the steps of a plan whose time has come, by number, each once
// and the first of the plan first.
type queue struct {
	sort.IntSlice                  // the heap of those whose time has come
	before        []int            // by step: how many that come before it are not done
	after         map[string][]int // by id: those that come after it
	ids           []string
	held          []int // that there was no room for
}

// queue is what is left of the plan.
func (r *run) queue() *queue {
	steps := r.j.plan.Steps
	q := &queue{before: make([]int, len(steps)), ids: make([]string, len(steps)), after: map[string][]int{}}
	for i, s := range steps {
		q.ids[i] = s.ID
		if r.j.done(s.ID) {
			continue
		}
		for _, id := range s.After {
			if !r.j.done(id) {
				q.before[i]++
				q.after[id] = append(q.after[id], i)
			}
		}
		if q.before[i] == 0 {
			heap.Push(q, i)
		}
	}
	return q
}

// next takes a step out; ok is false while none can be.
func (q *queue) next() (i int, ok bool) {
	if q.Len() == 0 {
		return 0, false
	}
	return heap.Pop(q).(int), true
}

// hold sets a step aside until there may be room for it.
func (q *queue) hold(i int) { q.held = append(q.held, i) }

// release gives those out again that were set aside.
func (q *queue) release() {
	for _, i := range q.held {
		heap.Push(q, i)
	}
	q.held = nil
}

// done lets those go on that waited for a step.
func (q *queue) done(i int) {
	for _, next := range q.after[q.ids[i]] {
		if q.before[next]--; q.before[next] == 0 {
			heap.Push(q, next)
		}
	}
}

// Push and Pop are heap.Interface's.
func (q *queue) Push(i any) { q.IntSlice = append(q.IntSlice, i.(int)) }

// Pop takes the last.
func (q *queue) Pop() any {
	last := q.IntSlice[q.Len()-1]
	q.IntSlice = q.IntSlice[:q.Len()-1]
	return last
}
