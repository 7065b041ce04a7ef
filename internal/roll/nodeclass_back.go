package roll

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// turnBack is of a roll that goes no further. Where the reason speaks against the new image
// the class is written as it stood, and nodes of the new image go as those of the old one
// did, each when its last run has ended; else it stops where it is. Then it has failed.
func (t classTurn) turnBack(why string) applier.Status {
	switch {
	case !t.turns(why):
		return t.stop(why)
	case t.switched:
		if st, more := t.keeps(because + why); more {
			return st
		}
		st := next(cmp.Or(t.begun(swapBack), swapBack+" "+stamp(t.now)+because+why), planner.Conditional)
		st.Doubt = t.releasing()
		return st
	case !t.before:
		return t.stop(fmt.Sprintf("%s; and %s chooses images by %s by now, which is left", why, t.group.Name, planner.Printable(port.TermsFollow(t.class.Terms))))
	}
	b := t.turned()
	for _, m := range b.owned() {
		if !b.replaces(m) {
			return b.lifted(m, because+why)
		}
	}
	if gave := cmp.Or(t.past.gave, b.wrong()); gave != "" {
		if st, more := b.cleared(" " + stuck + because + why + stopped + gave); more {
			return st
		}
		return failed("%s. %s is as it was; the way back stopped there: %s%s. domctl rollback --to %s goes on with it", why, t.group.Name, gave, t.andHeld(), t.Apply)
	}
	st, more := b.holds(because + why)
	if !more || len(b.old(b.order)) == 0 {
		st = b.onward(b)
	}
	if st = onWayBack(st, why); st.State == applier.Finished {
		st = failed("%s. It was turned back: %s is as it was, and no node is of the new image%s. domctl apply --supersede %s lets go of it; mend what was wrong, and plan again", why, t.group.Name, t.andHeld(), t.Apply)
		st.Doubt = t.open
	}
	return st
}

// releasing says that a NodePool may yet be let go of by what was begun.
func (t classTurn) releasing() bool {
	return slices.ContainsFunc(t.pools, func(p port.NodePool) bool { return ofDomctl(p) && t.begun(release+" "+p.Name) != "" })
}

// turns says that a roll which stops for this reason has the class as it stood: its switch
// was begun, and the nodes of the new image are not ready, are not started, or something
// rang. The step of a rollback takes no switch back.
func (t classTurn) turns(why string) bool {
	if t.begun(swap) == "" || strings.HasPrefix(t.Step.ID, "undo/") {
		return false
	}
	code, _, _ := strings.Cut(why, ":")
	return slices.Contains([]string{"DC833", "DC838", "DC876"}, code)
}

// turned is the same look at the same step, the other way round. As after a rollback every
// node goes that is not of the image before, since it would drift.
func (t classTurn) turned() classTurn {
	t.turn = t.turn.turned()
	t.undoing, t.around = false, true
	t.switched, t.before = t.before, t.switched
	t.meant = t.means()
	return t
}

// stop ends a roll where it is: its cordons go, and the hold of drift where no node drifts.
// Then it has failed.
func (t classTurn) stop(why string) applier.Status {
	if st, more := t.cleared(because + why); more {
		return st
	}
	rest := "What was replaced stays: domctl rollback --to " + t.Apply + " has the old image back, nodes too"
	switch {
	case !t.there:
		rest = "Look at it, then domctl apply --supersede " + t.Apply
	case t.begun(swap) == "":
		rest = "Nothing was switched: domctl apply --supersede " + t.Apply + " lets go of it"
	}
	st := failed("%s; its cordons are lifted%s. %s", why, t.andHeld(), rest)
	st.Doubt = t.open
	return st
}

// andHeld says in words that drift stays held, "" where it does not.
func (t classTurn) andHeld() string {
	if len(t.held()) == 0 {
		return ""
	}
	return ", and drift stays held, so that Karpenter ends no node"
}

// held are the NodePools that domctl has hold drift.
func (t classTurn) held() (names []string) {
	for _, p := range t.pools {
		if ofDomctl(p) {
			names = append(names, p.Name)
		}
	}
	return names
}

// abort takes away what the roll holds, but for the hold of drift as long as a node drifts:
// without it Karpenter would end that one. A class that is switched stays so, and the roll
// is finished as far as it went, so that a rollback switches it back and rolls again.
func (t classTurn) abort() applier.Status {
	if st, more := t.cleared(""); more {
		return st
	}
	if t.switched {
		st := t.over()
		st.Doubt = t.open
		return st
	}
	return applier.Status{State: applier.Undone, Doubt: t.open}
}

// over is a roll that is over, as far as it went.
func (t classTurn) over() applier.Status {
	st := t.done()
	if held := t.held(); len(held) > 0 {
		st.Outputs["held"] = schema.JSON(held)
	}
	return st
}

// cleared is the next write that takes something away; false when nothing is left that may
// be taken.
func (t classTurn) cleared(why string) (applier.Status, bool) {
	for _, m := range t.owned() {
		return t.lifted(m, why), true
	}
	return t.releases(why)
}

// releases is the next NodePool that is let go of; none of which a node drifts. A switch that
// was begun could land yet.
func (t classTurn) releases(why string) (applier.Status, bool) {
	for _, p := range t.pools {
		if ofDomctl(p) && t.needs(p) == "" {
			st := next(t.numbered(release, p.Name)+why, planner.Conditional)
			st.Doubt = t.open
			return st, true
		}
	}
	return applier.Status{}, false
}

// needs is a node for which a NodePool is held: without that Karpenter would end it; "" for
// none. What stood before this step held drift is no reason, where the class stands as it did
// and Karpenter tells nothing else.
func (t classTurn) needs(p port.NodePool) string {
	switch {
	case p.Class != t.asg:
		return t.strays[p.Name]
	case t.before && t.begun(swap) == "" && t.holding(p) && imagesOf(t.class) == nil:
		return ""
	}
	return t.drifts()
}

// drifts is a node of the class that Karpenter would replace if nothing held it; "" for none.
func (t classTurn) drifts() string {
	for _, m := range t.members {
		if !m.going() && drifted(t.class, m.image, m.launched, t.now) {
			return m.String()
		}
	}
	return ""
}

// straying is a node of a NodePool that Karpenter would replace by the class which the
// NodePool names, "" for none.
func straying(p port.NodePool, classes []port.NodeClass, claims []port.NodeClaim, now time.Time) string {
	var class port.NodeClass
	if i := slices.IndexFunc(classes, func(c port.NodeClass) bool { return c.Name == p.Class }); i >= 0 {
		class = classes[i]
	}
	for _, c := range claims {
		if c.Pool == p.Name && !c.Going && (c.Class != p.Class || drifted(class, c.Image, c.Created, now)) {
			return c.Name
		}
	}
	return ""
}

// drifted says that a node of a class drifts, or could: while Karpenter looks for what the
// terms mean each could, and so could one of which nobody tells the image yet.
func drifted(class port.NodeClass, image string, since, now time.Time) bool {
	images := imagesOf(class)
	return images == nil || image != "" && !slices.Contains(images, image) || image == "" && now.Sub(since) < mostStart
}

// imagesOf are the images that a class means, nil while nobody tells.
func imagesOf(class port.NodeClass) []string {
	if id := class.Image(); id != "" {
		return []string{id}
	}
	return class.Images
}
