package roll

import (
	"slices"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// releases is the next NodePool that is let go of; none while a node drifts from its class
// as it stands. A switch that was begun could land yet.
func (t classTurn) releases(why string) (applier.Status, bool) {
	if t.drifts() != "" {
		return applier.Status{}, false
	}
	for _, p := range t.pools {
		if ofDomctl(p) {
			st := next(t.numbered(release, p.Name)+why, planner.Conditional)
			st.Doubt = t.begun() != "" && !t.switched
			return st, true
		}
	}
	return applier.Status{}, false
}

// drifts is a node that Karpenter would replace if nothing held it; "" for none. While it
// looks for what the terms mean, each could.
func (t classTurn) drifts() string {
	images := t.class.Images
	if id := t.class.Image(); id != "" {
		images = []string{id}
	}
	for _, m := range t.members {
		if !m.going() && (images == nil || m.image != "" && !slices.Contains(images, m.image) || m.image == "" && t.now.Sub(m.launched) < mostStart) {
			return m.String()
		}
	}
	return ""
}

// uncordons is the next cordon of its own that is lifted.
func (t classTurn) uncordons(why string) (applier.Status, bool) {
	for _, m := range t.members {
		if _, own := t.cordoned(m.node); own && !m.going() {
			return t.lifted(m, why), true
		}
	}
	return applier.Status{}, false
}

// over is a roll that is over, as far as it went.
func (t classTurn) over() applier.Status {
	st := t.done()
	var held []string
	for _, p := range t.pools {
		if ofDomctl(p) {
			held = append(held, p.Name)
		}
	}
	if len(held) > 0 {
		st.Outputs["held"] = schema.JSON(held)
	}
	return st
}

// abort takes away what the roll holds, but for the hold of drift as long as a node drifts:
// without it Karpenter would end that one. A class that is switched stays so, and the roll
// is finished as far as it went, so that a rollback switches it back and rolls again.
func (t classTurn) abort() applier.Status {
	if st, more := t.uncordons(""); more {
		return st
	}
	if st, more := t.releases(""); more {
		return st
	}
	if t.switched {
		return t.over()
	}
	return applier.Status{State: applier.Undone, Doubt: t.begun() != ""}
}

// back turns the roll back: its cordons go, and the hold of drift where no node drifts.
func (t classTurn) back(why string) applier.Status {
	if st, more := t.uncordons(because + why); more {
		return st
	}
	if st, more := t.releases(because + why); more {
		return st
	}
	stays := ""
	if t.drifts() != "" {
		stays = ", and drift stays held, so that Karpenter ends no node"
	}
	return failed("%s; its cordons are lifted%s. What was replaced stays: domctl rollback --to %s has the old image back, nodes too", why, stays, t.Apply)
}
