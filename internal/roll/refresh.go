package roll

import (
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// mine says that a group's newest refresh is one that this step started: another than
// was there before.
func (t turn) mine(newest port.InstanceRefresh) bool {
	for mark := range t.Begun {
		words, _ := markOf(mark)
		if word(words, 0) == refresh && word(words, 1) != newest.ID && newest.ID != "" {
			return !slices.ContainsFunc(t.refreshes(), func(before string) bool { return before == newest.ID })
		}
	}
	return false
}

// refreshes are those that stood before each that this step started.
func (t turn) refreshes() (ids []string) {
	for mark := range t.Begun {
		if words, _ := markOf(mark); word(words, 0) == refresh {
			ids = append(ids, word(words, 1))
		}
	}
	return ids
}

// refreshed says that a refresh of this step replaced something.
func (t turn) refreshed() bool { return t.mine(t.newest) && t.newest.Percent > 0 }

// mostRefreshes are started one after another, where old nodes are left.
const mostRefreshes = 3

// refreshFailed says what came of a refresh of this step that is over, where that is not
// what was wanted.
func (t turn) refreshFailed() string {
	switch old := t.old(t.order); {
	case t.Strategy != schema.InstanceRefresh || !t.mine(t.newest) || t.newest.Live():
	case t.newest.Status != "Successful":
		return fmt.Sprintf("DC836: instance refresh %s of %s ended as %s: %s", t.newest.ID, t.group.Name, t.newest.Status, planner.Printable(t.newest.Reason))
	case len(old) > 0 && len(t.refreshes()) >= mostRefreshes:
		return fmt.Sprintf("DC836: %d instance refreshes of %s left %s", mostRefreshes, t.group.Name, planner.Plural(len(old), "old node"))
	}
	return ""
}

// refresh is the next write of a roll by instance refresh, which ends nodes whatever runs
// on them: so it begins once no old node has a run.
func (t turn) refresh() applier.Status {
	old := t.old(t.order)
	switch mine := t.mine(t.newest); {
	case mine && t.newest.Live():
		return pending(look, "instance refresh %s of %s: %s, %d %%", t.newest.ID, t.group.Name, t.newest.Status, t.newest.Percent)
	case len(old) == 0:
		return t.finish()
	}
	if why := t.closed(); why != "" && len(t.refreshes()) == 0 {
		return pending(look, "%s", t.progress([]string{why}))
	}
	if st, waits := t.emptied(old); len(waits) == 0 {
		return st
	} else if waits[0] != nothing {
		return pending(t.wait(old), "%s", t.progress(waits))
	}
	before := t.newest.ID
	if before == "" {
		before = "none"
	}
	return next(refresh+" "+before, planner.Absolute)
}

// emptied is the next write that has all of some nodes cordoned and empty; what they wait
// for; or nothing, when they are.
func (t turn) emptied(old []member) (st applier.Status, waits []string) {
	for _, m := range old {
		if m.node != nil && m.serving() && !m.cordoned() {
			return next(cordon+" "+m.ID, planner.Conditional), nil
		}
	}
	for _, m := range old {
		st, why := t.empty(m)
		switch {
		case why != "":
			waits = append(waits, why)
		case st.Mark != "":
			return st, nil
		}
	}
	if len(waits) == 0 {
		waits = []string{nothing}
	}
	return st, waits
}

// healthy are the bounds of a refresh in percent, so that no more nodes are away, or
// stand beside, than the plan says. AWS lets them be no further apart than 100.
func (o order) healthy(desired int64) (least, most int64) {
	desired = max(desired, 1)
	least = max(0, 100-int64(o.Unavailable())*100/desired)
	most = min(least+100, 100+(int64(o.Most())*100+desired-1)/desired)
	return least, max(most, 100)
}

func newRefresh(o order, desired int64) port.NewInstanceRefresh {
	least, most := o.healthy(desired)
	return port.NewInstanceRefresh{Group: o.asg, MinHealthy: least, MaxHealthy: most, SkipMatching: true, ScaleInProtected: "Wait", Standby: "Wait"}
}
