package roll

import (
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// mine says that a refresh is one that this step started: the next after one that was there
// before. One that somebody started later is not, nor the newest that another is to follow.
func (t turn) mine(r port.InstanceRefresh) bool {
	before, i := t.refreshes(), slices.IndexFunc(t.all, func(one port.InstanceRefresh) bool { return one.ID == r.ID })
	switch known := slices.Contains(before, r.ID); {
	case i < 0, len(before) == 0, i == 0 && known:
		return false
	case i < len(t.all)-1:
		return slices.Contains(before, t.all[i+1].ID)
	default: // AWS tells of none before it: there was none, or it is forgotten
		return slices.Contains(before, "none") || !known
	}
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
func (t turn) refreshed() bool {
	return slices.ContainsFunc(t.all, func(r port.InstanceRefresh) bool { return r.Percent > 0 && t.mine(r) })
}

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

// doomed are the members that a refresh replaces: AWS tells them by what they were launched
// from, which may be another version of the image that is wanted.
func (t turn) doomed() []member {
	return t.which(func(m member) bool {
		same := m.Template == t.group.Template && m.Version == t.version && m.LaunchConfiguration == t.group.LaunchConfiguration
		return !m.going() && (!same || t.replaces(m))
	})
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
	if st, waits := t.emptied(t.doomed()); len(waits) == 0 {
		return st
	} else if waits[0] != nothing {
		return pending(t.wait(t.doomed()), "%s", t.progress(waits))
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
		if m.node != nil && m.serving() && m.image != "" && !m.cordoned() {
			return next(cordon+" "+m.ID, planner.Conditional), nil
		}
	}
	for _, m := range old {
		st, why := t.empty(m)
		switch {
		case m.image == "":
			waits = append(waits, m.String()+", of which nobody tells the image, and which the refresh would replace: end it once nothing runs there")
		case t.joining(m):
			waits = append(waits, m.String()+", whose node has not joined yet")
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
