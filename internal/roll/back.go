package roll

import (
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/planner"
)

// back turns a roll back: its cordons go, and what it raised the capacity by, as far as
// no run is on it. Then it has failed.
func (t turn) back(why string) applier.Status {
	if st, more := t.cleared(because + why); more {
		return st
	}
	st := failed("%s; its cordons are lifted. What was replaced stays: domctl rollback --to %s has the old image back, nodes too", why, t.Apply)
	_, st.Doubt = t.past.open(t.group.Desired)
	return st
}

// abort takes away what a roll holds. With a node replaced it is finished as far as it
// went, so that a rollback replaces that again.
func (t turn) abort() applier.Status {
	if st, more := t.cleared(""); more {
		return st
	}
	st := applier.Status{State: applier.Undone}
	if t.past.replaced(t.found) > 0 || t.refreshed() {
		st = t.done()
	}
	_, st.Doubt = t.past.open(t.group.Desired)
	return st
}

// cleared is the next write that takes something away; false when nothing is left.
func (t turn) cleared(why string) (applier.Status, bool) {
	if t.newest.Live() && t.mine(t.newest) {
		if strings.HasPrefix(t.newest.Status, "Cancel") {
			return pending(look, "instance refresh %s is being cancelled", t.newest.ID), true
		}
		return next(cancel+" "+t.newest.ID+why, planner.Absolute), true
	}
	owned := t.which(func(m member) bool { _, own := t.cordoned(m.node); return own && !m.going() })
	for _, m := range owned {
		if m.image != t.image {
			return t.lifted(m, why), true
		}
	}
	if st, more := t.give(why); more {
		return st, true
	}
	for _, m := range owned {
		return t.lifted(m, why), true
	}
	return applier.Status{}, false
}

// lifted lifts a cordon. What was begun to terminate the node could yet land, so that no
// run may come to it before.
func (t turn) lifted(m member, why string) applier.Status {
	st := next(uncordon+" "+m.ID+why, planner.Conditional)
	_, st.Doubt = t.past.ends[m.ID]
	return st
}

// give lowers the capacity by what is left of what the roll raised it by: with a node of
// the new image on which nothing runs, or by what was never started. Where every node is
// in use, the capacity is too, and stays.
func (t turn) give(why string) (applier.Status, bool) {
	if c, is := t.past.open(t.group.Desired); is && c.from > c.to {
		return t.capacity(c), true
	}
	switch {
	case t.past.surplus(t.found) == 0 || t.group.Desired <= t.group.Min:
		return applier.Status{}, false
	case t.present() < t.group.Desired:
		return next(changeMark(lower, t.group.Desired, t.group.Desired-1, t.past.marks, t.now)+why, planner.Absolute), true
	}
	spare := t.which(func(m member) bool {
		return m.image == t.image && m.serving() && !m.Protected && len(m.runs)+len(m.held) == 0
	})
	slices.SortStableFunc(spare, func(a, b member) int { return rank(a) - rank(b) })
	for _, m := range spare {
		_, own := t.cordoned(m.node)
		if m.node != nil && !own {
			if m.cordoned() {
				continue
			}
			return next(cordon+" "+m.ID+why, planner.Conditional), true
		}
		st, waits := t.empty(m)
		switch {
		case waits != "" && own:
			return pending(look, "%s", waits), true
		case waits != "":
			continue
		case st.Mark != "":
			return next(st.Mark+why, st.Guard), true
		}
		if e, begun := t.past.ends[m.ID]; begun {
			return next(e.mark, planner.Absolute), true
		}
		return next(endMark(m, t.found, t.past.marks, true, false)+" spare"+why, planner.Absolute), true
	}
	return applier.Status{}, false
}

// rank puts those first that are on their way out, then those that never got ready.
func rank(m member) int {
	switch {
	case m.cordoned():
		return 0
	case !m.joined():
		return 1
	}
	return 2
}
