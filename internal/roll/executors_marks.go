package roll

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// The writes of a roll of executors beside those of other rolls. seen is none: it notes since
// when somebody else's maintenance is known.
const (
	maintain = "maintain" // instance, when, what number of mark it is, what stood there
	seen     = "seen"     // instance, when, what number of mark it is
	leave    = "leave"    // instance, when, what number of mark it is
)

// executorPast is what a roll of executors has begun.
type executorPast struct {
	why string // for which it is turned back; "" while it is not
	// switched says that the group was to start the old image again.
	switched bool
	// landed says that it was seen to: a write of the way back was begun after it.
	landed bool
	in     map[string]stay   // put into maintenance, or seen there: by instance, the last
	out    map[string]stay   // taken out of it: by instance, the last
	ends   map[string]ending // by instance, the last
	marks  int
}

// stay is an executor's maintenance, begun or ended.
type stay struct {
	mark  string
	at    time.Time
	n     int
	own   bool   // this step began it
	pre   string // what stood there before, as JSON; "-" for nothing
	times int    // how many marks there are of it
}

// mostTimes is how often maintenance is set, or taken away, of one executor, before it counts
// as something that Domino writes over.
const mostTimes = 5

// last keeps the later of two.
func last(all map[string]stay, id string, h stay) {
	was, twice := all[id]
	times := was.times + 1
	if twice && was.n > h.n {
		h = was
	}
	h.times = times
	all[id] = h
}

func executorPastOf(a applier.Attempt) executorPast {
	p := executorPast{in: map[string]stay{}, out: map[string]stay{}, ends: map[string]ending{}, marks: len(a.Begun)}
	for _, mark := range schema.Sorted(a.Begun) {
		words, why := markOf(mark)
		p.why = cmp.Or(p.why, why)
		p.landed = p.landed || why != "" && word(words, 0) != switchBack
		id := word(words, 1)
		h := stay{mark: mark, n: int(number(word(words, 3))), own: word(words, 0) == maintain, pre: word(words, 4)}
		h.at, _ = parseTime(word(words, 2))
		switch word(words, 0) {
		case switchBack:
			p.switched = true
		case maintain, seen:
			last(p.in, id, h)
		case leave:
			last(p.out, id, h)
		case end:
			e := ending{mark: mark, n: int(number(word(words, 3))), how: word(words, 4)}
			if was, twice := p.ends[id]; !twice || was.n < e.n {
				p.ends[id] = e
			}
		}
	}
	return p
}

// pre is what stands where maintenance does, as a mark has it.
func pre(flag string) string { return cmp.Or(flag, "-") }

// holds says that an executor is in maintenance because this step put it there.
func (t executorTurn) holds(x executor) bool { return x.Maintained() && t.past.in[x.ID].own }

// enter puts an executor into maintenance.
func (t executorTurn) enter(x executor) applier.Status {
	if h, begun := t.past.in[x.ID]; begun && h.own && t.now.Sub(h.at) < markLasts && h.pre == pre(x.Flag) {
		return next(h.mark, planner.Conditional)
	}
	return next(fmt.Sprintf("%s %s %s #%d %s", maintain, x.ID, stamp(t.now), t.past.marks, pre(x.Flag)), planner.Conditional)
}

// ended terminates an executor, by the mark that was begun, if one was.
func (t executorTurn) ended(x executor, how string) applier.Status {
	if e, begun := t.past.ends[x.ID]; begun && e.how == how {
		return next(e.mark, planner.Absolute)
	}
	mark := fmt.Sprintf("%s %s %s #%d", end, x.ID, stamp(t.now), t.past.marks)
	if how != "" {
		mark += " " + how
	}
	return next(mark, planner.Absolute)
}

// cleared is the next write that takes an executor out of maintenance; false where this step
// holds none.
func (t executorTurn) cleared(why string) (applier.Status, bool) {
	for _, x := range t.all {
		if t.holds(x) && !x.Going() {
			return t.leaves(x, why), true
		}
	}
	return applier.Status{}, false
}

// leaves takes an executor out of maintenance.
func (t executorTurn) leaves(x executor, why string) applier.Status {
	st := next(fmt.Sprintf("%s %s %s #%d%s", leave, x.ID, stamp(t.now), t.past.marks, why), planner.Conditional)
	switch was, begun := t.past.out[x.ID]; {
	case begun && t.now.Sub(was.at) < markLasts && was.n > t.past.in[x.ID].n:
		st.Mark = was.mark
	case was.times >= mostTimes:
		return failed("DC866: %s came into maintenance again %d times after it was taken out; take it out in Domino", x.ID, was.times)
	}
	_, st.Doubt = t.past.ends[x.ID] // which may yet land: no run may come before
	return st
}

// open says that an executor may yet come into maintenance by what was begun, one that was
// taken out too: then what stood before stands again, which a call of a process that died
// goes by.
func (t executorTurn) open() bool {
	return slices.ContainsFunc(t.all, func(x executor) bool {
		return t.past.in[x.ID].own && !x.Maintained() && !x.Going()
	})
}

// replaced counts the executors that were ended.
func (t executorTurn) replaced() (n int) {
	for id := range t.past.ends {
		if !slices.ContainsFunc(t.all, func(x executor) bool { return x.ID == id && !x.Going() }) {
			n++
		}
	}
	return n
}
