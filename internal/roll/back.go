package roll

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/planner"
)

// back is of a roll that goes no further. Where the reason speaks against the new image the
// group gets its switch back, and the nodes of the new image go as those of the old one
// did, each when its last run has ended; else it stops where it is. Then it has failed.
func (t turn) back(why string) applier.Status {
	if !t.turns(why) {
		return t.stop(why)
	}
	if st, more := t.cancels(because + why); more {
		return st
	}
	switch t.starts {
	case t.image:
		return t.doubted(next(switchBack+because+why, planner.Absolute))
	case t.from:
	default:
		return t.stop(fmt.Sprintf("%s; and %s starts nodes from %s by now, which is left", why, t.group.Name, or(t.starts)))
	}
	for _, m := range t.owned() {
		if m.image != t.image && !t.since(m) {
			return t.doubted(t.lifted(m, because+why))
		}
	}
	b := t.turned()
	if gave := cmp.Or(t.past.gave, b.wrong()); gave != "" {
		if st, more := b.cleared(" " + stuck + because + why + stopped + gave); more {
			return st
		}
		return failed("%s. %s starts nodes from %s again; the way back stopped there: %s%s. domctl rollback --to %s goes on with it", why, t.group.Name, t.from, gave, t.kept(), t.Apply)
	}
	st, halts := b.halted()
	if !halts {
		st = b.forward()
	}
	if st = onWayBack(st, why); st.State == applier.Finished {
		return failed("%s. It was turned back: %s starts nodes from %s again, and has no other%s. domctl apply --supersede %s lets go of it; mend what was wrong, and plan again", why, t.group.Name, t.from, t.kept(), t.Apply)
	}
	return st
}

// kept says which groups of the pool were rolled before, and are not turned back; "" for none.
func (t turn) kept() string {
	var groups []string
	for _, id := range t.Step.After {
		for _, op := range []string{operation.RollGroup, operation.RollNodeGroup} {
			if _, group, is := strings.Cut(id, "/"+op+"/"); is {
				groups = append(groups, group)
			}
		}
	}
	if len(groups) == 0 {
		return ""
	}
	return fmt.Sprintf(". What was rolled before keeps its new nodes (%s): domctl rollback --to %s replaces them", planner.Printable(few(groups)), t.Apply)
}

// since says that a member was cordoned since the roll was turned back: to give capacity
// back with.
func (t turn) since(m member) bool {
	for mark := range t.Begun {
		if words, why := markOf(mark); why != "" && word(words, 0) == cordon && word(words, 1) == m.ID {
			return true
		}
	}
	return false
}

// turns says that a roll which stops for this reason has the old image back: the new one
// was not ready, or was not started, or something rang. What keeps a single node from
// going, or another's switch, tells nothing of the image.
func (t turn) turns(why string) bool {
	_, can := t.ofGroup()
	can = can && t.r.Single != nil
	switch code, _, _ := strings.Cut(why, ":"); code {
	case "DC833", "DC836", "DC838":
		return can
	case "DC834":
		return can && (t.past.switched || !t.proved())
	}
	return false
}

// ofGroup is the write that has an Auto Scaling group start the old image again.
func (o order) ofGroup() (s planner.Step, is bool) {
	return o.switching(operation.UpdateAutoScalingGroup, operation.ModifyLaunchTemplate)
}

// switching is the write that has the group start the old image again: that of a rollback,
// by one of these operations. false: the plan states none, as that of a rollback does not.
func (o order) switching(ops ...string) (s planner.Step, is bool) {
	err := json.Unmarshal([]byte(o.Step.Args["switch"].Text), &s)
	return s, err == nil && slices.Contains(ops, s.Op)
}

// turned is the same step, the other way round: no run is ended, whatever the plan forces,
// and no window or time is waited for.
func (o order) turned() order {
	o.image, o.from, o.undoing, o.Force, o.drain, o.Hours = o.from, o.image, true, false, 0, nil
	o.Roll = picking(o.Roll)
	return o
}

// turned is the same look at the step turned round.
func (t turn) turned() turn {
	t.order = t.order.turned()
	return t
}

// stop ends a roll where it is: its cordons go, and what it raised the capacity by, as far
// as no run is on it. Then it has failed.
func (t turn) stop(why string) applier.Status {
	if st, more := t.cleared(because + why); more {
		return st
	}
	st := failed("%s; its cordons are lifted. What was replaced stays: domctl apply --supersede %s and a new plan go on with the rest; domctl rollback --to %[2]s has the old image back, nodes too", why, t.Apply)
	_, st.Doubt = t.past.open(t.group.Desired)
	return st
}

// abort takes away what a roll holds. With a node replaced it is finished as far as it
// went, so that a rollback replaces that again; one that was turned back whole is not.
func (t turn) abort() applier.Status {
	back := t.past.switched && t.starts == t.from
	if back {
		t = t.turned()
	}
	if st, more := t.cleared(""); more {
		return st
	}
	st := applier.Status{State: applier.Undone}
	if (t.past.replaced(t.found) > 0 || t.refreshed()) && !(back && len(t.old(t.order)) == 0) {
		st = t.done()
	}
	_, st.Doubt = t.past.open(t.group.Desired)
	return st
}

// cancels is the next write, or what is waited for, until no refresh of this step is under
// way; false when none is.
func (t turn) cancels(why string) (applier.Status, bool) {
	switch {
	case !t.newest.Live() || !t.mine(t.newest):
		return applier.Status{}, false
	case strings.HasPrefix(t.newest.Status, "Cancel"):
		return pending(look, "instance refresh %s is being cancelled", t.newest.ID), true
	}
	return next(cancel+" "+t.newest.ID+why, planner.Absolute), true
}

// owned are the members that this step cordoned.
func (t turn) owned() []member {
	return t.which(func(m member) bool { _, own := t.cordoned(m.node); return own && !m.going() })
}

// doubted is a write after which nobody waits any more for a change of the capacity that was
// begun and does not show: it could land until then.
func (t turn) doubted(st applier.Status) applier.Status {
	_, open := t.past.open(t.group.Desired)
	st.Doubt = st.Doubt || open && st.State == applier.Next
	return st
}

// cleared is the next write that takes something away; false when nothing is left.
func (t turn) cleared(why string) (applier.Status, bool) {
	st, more := t.clears(why)
	return t.doubted(st), more
}

func (t turn) clears(why string) (applier.Status, bool) {
	if st, more := t.cancels(why); more {
		return st, true
	}
	owned := t.owned()
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
// the image that is wanted on which nothing runs, or by what was never started. Where every
// node is in use, the capacity is too, and stays.
func (t turn) give(why string) (applier.Status, bool) {
	c, open := t.past.open(t.group.Desired)
	open = open && c.from > c.to && !t.moved(c)
	has := t.past.surplus(t.found) > 0 && t.group.Desired > t.group.Min
	short := t.present() < t.group.Desired
	switch {
	case short && (open || has) && !t.steady():
		return pending(look, "%s has %d of %d instances: one that was started may not show yet", t.group.Name, t.present(), t.group.Desired), true
	case open && (short || t.now.Sub(c.at) <= changeShows): // else it never came about, and all are there by now
		return t.capacity(c), true
	case !has:
		return applier.Status{}, false
	case short:
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
	for _, m := range t.members {
		if m.image == t.image && strings.HasPrefix(m.Lifecycle, "Pending") && !m.going() && t.now.Sub(m.launched) < mostReady {
			return pending(look, "%s is %s", m, m.Lifecycle), true // it goes once it serves
		}
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

// shortage is what a group had when it was first seen to have that, and less than it wants.
type shortage struct {
	what  string
	since time.Time
}

// ofShortage is the key of a step's shortage among what is heard.
type ofShortage string

// steady says that a group has had the same instances for so long that one which it starts
// would show. AWS tells of an instance some seconds after it counts: where the capacity is
// lowered before, AWS ends another in its place, of its own choosing, whatever runs there. One
// that AWS starts, after it long could not, within the seconds before the call is the window
// that is left.
func (t turn) steady() bool {
	now, key := shortage{fmt.Sprint(t.group.Desired), t.now}, ofShortage(t.Step.ID)
	for _, m := range t.members {
		now.what += " " + m.ID
	}
	if was, known := t.r.heard.Load(key); known && was.(shortage).what == now.what {
		return t.now.Sub(was.(shortage).since) >= changeShows
	}
	t.r.heard.Store(key, now)
	return false
}
