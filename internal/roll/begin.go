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

// nothing is the answer of begin where every old node is on its way out.
const nothing = "nothing"

// way is what tells the roll of a class from that of a group.
type way interface {
	begin(started []member) (st applier.Status, why string)
	ended(m member) applier.Status
	finish() applier.Status
}

// onward is the next write to nodes that are on their way out, else to one more, else what
// comes once no old node is left; or what it waits for.
func (t turn) onward(w way) applier.Status {
	var waits []string
	started := slices.DeleteFunc(t.old(t.order), func(m member) bool { return !t.started(m) })
	for _, m := range started {
		st, why := t.empty(m)
		switch {
		case why != "":
			waits = append(waits, why)
		case st.Mark == "":
			return w.ended(m)
		default:
			return st
		}
	}
	if st, why := w.begin(started); why == "" {
		return st
	} else if why != nothing {
		waits = append(waits, why)
	}
	if len(waits) > 0 {
		return pending(t.wait(started), "%s", t.progress(waits))
	}
	return w.finish()
}

// begin takes one more old node: cordons it, or raises the capacity first. why says what
// it waits for.
func (t turn) begin(started []member) (st applier.Status, why string) {
	var left []member
	for _, m := range t.old(t.order) {
		if !slices.ContainsFunc(started, func(s member) bool { return s.ID == m.ID }) {
			left = append(left, m)
		}
	}
	if len(left) == 0 {
		return st, nothing
	}
	m, why := t.pick(left)
	switch {
	case why != "":
		return st, why
	case t.closed() != "":
		return st, t.closed()
	case t.own(started) && !t.proved() && !(t.undoing && !m.ready()):
		return st, "the first node on the new image"
	case t.undoing && !m.ready(), t.ready()-one(m.ready()) >= t.base()-int64(t.Unavailable()):
		return next(cordon+" "+m.ID, planner.Conditional), ""
	case t.Strategy != schema.Surge:
		return st, fmt.Sprintf("%d of %d nodes are ready, and %d may be missing", t.ready(), t.base(), t.Unavailable())
	}
	return t.raise(left, started, m)
}

// own says that one of some members was cordoned by this step.
func (t turn) own(some []member) bool {
	return slices.ContainsFunc(some, func(m member) bool { _, own := t.cordoned(m.node); return own })
}

func one(is bool) int64 {
	if is {
		return 1
	}
	return 0
}

// raise asks for the replacements of nodes that are left, as far as they may stand beside
// those: the ones of nodes that were begun and have not gone stand there too.
func (t turn) raise(left, started []member, m member) (st applier.Status, why string) {
	surplus := t.past.surplus(t.found)
	most := min(int64(t.Most()), int64(len(left)+max(0, len(started)-t.Unavailable())))
	if !t.proved() {
		most = min(most, 1)
	}
	more := min(most-surplus, t.group.Max-t.group.Desired)
	switch {
	case more > 0:
		return next(changeMark(raise, t.group.Desired, t.group.Desired+more, t.past.marks, t.now), planner.Absolute), ""
	case surplus == 0 && t.group.Desired >= t.group.Max:
		return st, fmt.Sprintf("%s is at its maximum of %d, so that no replacement of %s can be started first; raise size.max", t.group.Name, t.group.Max, m)
	}
	if coming := t.which(func(x member) bool { return !x.going() && !x.standby() && !x.warm() && !x.cordoned() && !x.ready() }); len(coming) == 0 && t.present() >= t.group.Desired {
		return st, fmt.Sprintf("room to replace %s: no more than %d may stand beside, or be missing", m, most+int64(t.Unavailable()))
	}
	return st, fmt.Sprintf("replacements: %d of %d nodes are ready", t.ready(), t.group.Desired)
}

// pick is the node that is taken next: first one that takes no runs anyway, then one
// without any, of those the oldest.
func (t turn) pick(left []member) (m member, why string) {
	able := slices.DeleteFunc(slices.Clone(left), func(m member) bool { return m.Protected || m.standby() || !m.serving() || m.node == nil })
	if len(able) == 0 {
		m := left[0]
		switch {
		case m.shielded() != "":
			return m, m.shielded()
		case m.serving():
			return m, fmt.Sprintf("%s has no node yet", m)
		}
		return m, fmt.Sprintf("%s is %s", m, m.Lifecycle)
	}
	return slices.MinFunc(able, func(a, b member) int {
		return cmp.Or(cmp.Compare(one(a.ready()), one(b.ready())), cmp.Compare(min(len(a.runs), 1), min(len(b.runs), 1)), a.launched.Compare(b.launched), cmp.Compare(a.ID, b.ID))
	}), ""
}

// proved says that a node of the new image is ready, so that more may follow the first.
func (t turn) proved() bool {
	return slices.ContainsFunc(t.members, func(m member) bool { return m.image == t.image && m.joined() })
}

// ready counts the nodes that take runs.
func (t turn) ready() int64 { return int64(len(t.which(member.ready))) }

// base is the capacity that the group has without what the roll raised it by.
func (t turn) base() int64 { return t.group.Desired - t.past.surplus(t.found) }

// closed says that the window in which nodes are begun is not open.
func (t turn) closed() string { return t.order.closed(t.now) }

func (o order) closed(now time.Time) string {
	if o.Hours == nil || !o.Hours.Opens(now).After(now) {
		return ""
	}
	return fmt.Sprintf("window %s, which opens %s", o.Window, o.Hours.Opens(now).UTC().Format("2006-01-02 15:04 UTC"))
}
