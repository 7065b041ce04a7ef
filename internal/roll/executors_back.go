package roll

import (
	"fmt"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/planner"
)

// back is of a roll that goes no further. Where the reason speaks against the new image the
// executor group starts the old one again, and executors of the new one go as those of the
// old one did, each when its last run has ended; else it stops where it is. Then it has failed.
func (t executorTurn) back(why string) applier.Status {
	group := t.Step.Object.ID()
	switch {
	case !t.turns(why):
		return t.stop(why)
	case !t.group:
		return t.stop(fmt.Sprintf("%s; and executor group %s is not there any more", why, group))
	case t.turned:
	case t.starts == t.image && !t.past.landed: // else somebody had it start the new one again
		return next(switchBack+because+why, planner.Conditional)
	default:
		return t.stop(fmt.Sprintf("%s; and executor group %s starts %s by now, which is left", why, group, or(t.starts)))
	}
	st, more := t.kept(because + why)
	if !more {
		st = t.forward()
	}
	switch st = onWayBack(st, why); st.State {
	case applier.Failed:
		st.Why = fmt.Sprintf("%s. Executor group %s starts %s again; the way back stopped there: %s. domctl rollback --to %s goes on with it", why, group, or(t.starts), st.Why, t.Apply)
	case applier.Finished:
		rest := "no executor is of " + t.from
		if len(t.left) > 0 {
			rest += " but " + planner.Printable(few(t.left))
		}
		st = failed("%s. It was turned back: executor group %s starts %s again, and %s. domctl apply --supersede %s lets go of it; mend what was wrong, and plan again", why, group, or(t.starts), rest, t.Apply)
		st.Doubt = t.open()
	}
	return st
}

// turns says that a roll which stops for this reason has the old image back: something rang.
// Nothing tells whether an executor of the new image is ready; what keeps one from going, or
// another's switch, tells nothing of the image.
func (t executorTurn) turns(why string) bool {
	code, _, _ := strings.Cut(why, ":")
	return t.can && code == "DC838"
}

// kept is the next of the executors that stay after all, which comes out of maintenance; false
// when none is left.
func (t executorTurn) kept(why string) (applier.Status, bool) {
	for _, x := range t.all {
		if t.holds(x) && !x.Going() && x.Image != t.from {
			return t.leaves(x, why), true
		}
	}
	return applier.Status{}, false
}

// stop ends a roll where it is: what it put into maintenance comes out. Then it has failed.
func (t executorTurn) stop(why string) applier.Status {
	if st, more := t.cleared(because + why); more {
		return st
	}
	st := failed("%s; what it put into maintenance is taken out again, and new executors start from %s. domctl apply --supersede %s lets go of it, domctl rollback --to %[3]s has the old image back", why, or(t.starts), t.Apply)
	st.Doubt = t.open()
	return st
}

// abort takes away what a roll holds. With an executor ended it is finished as far as it
// went, so that a rollback ends those of the new image; one that was turned back whole is not.
func (t executorTurn) abort() applier.Status {
	if st, more := t.cleared(""); more {
		return st
	}
	st := applier.Status{State: applier.Undone}
	if t.replaced() > 0 && !(t.turned && len(t.old) == 0) {
		st = t.done()
	}
	st.Doubt = t.open() || t.past.switched && t.starts == t.image // the switch may yet land
	return st
}
