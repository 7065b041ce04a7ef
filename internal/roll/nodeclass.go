package roll

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// classing is the executor of the roll of an EC2NodeClass, which switches it and replaces the
// nodes that were started by it. Karpenter takes nodes for drifted as soon as their class names
// another image, and replaces them by itself. So every NodePool of the class is made to hold
// drift first, the class is switched half a minute later, and what was held is let go of
// once no node drifts: a process that dies between any two calls leaves no switched class
// whose NodePools do not hold.
// https://karpenter.sh/docs/concepts/disruption/#drift
type classing struct{ *Roller }

// The writes that no other roll makes.
const (
	hold    = "hold"    // NodePool, what number of mark it is
	release = "release" // NodePool, what number of mark it is
	swap    = "swap"    // when
)

const (
	mostJoin  = 10 * time.Minute // from when a node is asked for until it is ready; Karpenter gives up after 15
	mostFault = 2 * time.Minute  // that Karpenter may not know the image that a class names by then
)

// classTurn is one look at the roll of a class. Its members are NodeClaims, and their ids
// the names of these.
type classTurn struct {
	turn
	class    port.NodeClass
	pools    []port.NodePool // that start nodes by it, or that this step holds
	claims   map[string]port.NodeClaim
	strays   map[string]string // a node that drifts, by NodePools that start nodes by another class by now
	switched bool              // it stands as the step writes it
	before   bool              // it stands as the plan saw it
	open     bool              // a switch was begun, there or back, that does not show
	around   bool              // the other way round, once it was switched back
}

// Observe tells how far the roll of a class is.
func (r classing) Observe(ctx context.Context, a applier.Attempt) (st applier.Status, err error) {
	if r.Nodes == nil || r.Karpenter == nil {
		return applier.Status{State: applier.Unsure, Why: "DC830: nobody tells what runs on the nodes; state deployment: kubernetes: nodes: true"}, nil
	}
	t, err := r.look(ctx, a)
	defer func() { saying(&st, t.members) }()
	if st, waits := waiting(err); waits {
		return st, nil
	}
	switch {
	case err != nil:
		return applier.Status{}, err
	case a.Abort:
		return t.abort(), nil
	case !t.there:
		return t.stop(fmt.Sprintf("DC831: there is no %s any more", t.group.Name)), nil
	case t.past.why != "":
		return t.turnBack(t.past.why), nil
	case !t.switched && !t.before:
		return t.stop(fmt.Sprintf("DC832: %s chooses images by %s by now, not by %s", t.group.Name, planner.Printable(port.TermsFollow(t.class.Terms)), or(t.image))), nil
	}
	alarm, err := r.ringing(ctx, t.order)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	switch {
	case err != nil:
		return applier.Status{}, err
	case alarm != "":
		return t.turnBack(alarm), nil
	case !t.switched:
		return t.prepare(), nil
	}
	if st, more := t.holds(""); more && len(t.old(t.order)) > 0 {
		return st, nil
	}
	if why := t.wrong(); why != "" {
		return t.turnBack(why), nil
	}
	return t.onward(t), nil
}

// prepare is what comes before the switch: all NodePools of the class hold drift, and
// Karpenter had the time to hear of it.
func (t classTurn) prepare() applier.Status {
	if why := t.closed(); why != "" {
		return pending(look, "%s waits for %s", t.group.Name, why)
	}
	if st, more := t.keeps(""); more {
		return st
	}
	return next(cmp.Or(t.begun(swap), swap+" "+stamp(t.now)), planner.Conditional)
}

// keeps is what comes before any switch: a NodePool that does not hold drift, or one of which
// Karpenter may not have heard yet that it does.
func (t classTurn) keeps(why string) (applier.Status, bool) {
	if st, more := t.holds(why); more {
		return st, true
	}
	for _, p := range t.pools {
		if at := heldSince(p); t.now.Sub(at) < quiet {
			return pending(quiet-t.now.Sub(at).Truncate(time.Second), "NodePool %s was made to hold drift just now", p.Name), true
		}
	}
	return applier.Status{}, false
}

// heldSince is when domctl had a NodePool hold drift; the zero time where it did not.
func heldSince(p port.NodePool) time.Time {
	if !ofDomctl(p) {
		return time.Time{}
	}
	at, _ := parseTime(p.HeldBy[strings.LastIndex(p.HeldBy, " ")+1:])
	return at
}

// ofDomctl says that what a NodePool holds is to be taken away again: by this apply, or by
// the one that it takes back.
func ofDomctl(p port.NodePool) bool { return Cordoned(p.HeldBy) }

// holding says that this step had a NodePool hold drift.
func (o order) holding(p port.NodePool) bool { return strings.HasPrefix(p.HeldBy, o.owner+" ") }

// holds is the next NodePool that does not hold drift and has to.
func (t classTurn) holds(why string) (applier.Status, bool) {
	for _, p := range t.pools {
		if !p.DriftHeld() {
			return next(t.numbered(hold, p.Name)+why, planner.Conditional), true
		}
	}
	return applier.Status{}, false
}

// numbered is a mark of a write that may be made again: the last of all, if it was this.
func (t classTurn) numbered(what, name string) string {
	for _, mark := range schema.Sorted(t.Begun) {
		words, _ := markOf(mark)
		if word(words, 0) == what && word(words, 1) == name && int(number(word(words, 2))) == t.past.marks-1 {
			return fmt.Sprintf("%s %s #%d", what, name, t.past.marks-1)
		}
	}
	return fmt.Sprintf("%s %s #%d", what, name, t.past.marks)
}

// wrong says why the roll is to be turned back; "" while it is not.
func (t classTurn) wrong() string {
	mark := t.begun(swap)
	if t.around {
		mark = cmp.Or(t.begun(swapBack), mark)
	}
	words, _ := markOf(mark)
	at, _ := parseTime(word(words, 1))
	if t.class.Fault != "" && t.now.Sub(at) > mostFault {
		return fmt.Sprintf("DC876: %s starts no nodes by %s: %s", t.group.Name, or(t.image), planner.Printable(t.class.Fault))
	}
	for _, m := range t.members {
		if t.fresh(m) && !m.going() && !m.joined() && m.launched.After(t.Began.Add(-mostJoin)) && t.now.Sub(m.unready()) > mostJoin {
			return fmt.Sprintf("DC833: %s of the %s image was asked for at %s and is not ready", m, t.comes(), m.launched.UTC().Format("15:04"))
		}
	}
	return t.overdue()
}

// fresh says that a node has an image that is wanted.
func (t classTurn) fresh(m member) bool { return m.image != "" && !t.replaces(m) }

// proved says that a node of the new image is ready.
func (t classTurn) proved() bool {
	return len(t.which(func(m member) bool { return t.fresh(m) && m.joined() })) > 0
}

// begin takes one more old node.
func (t classTurn) begin(started []member) (st applier.Status, why string) {
	left := slices.DeleteFunc(t.old(t.order), func(m member) bool { return t.started(m) })
	if len(left) == 0 {
		return st, nothing
	}
	leaving := len(started) + len(t.which(func(m member) bool { return t.replaces(m) && m.going() }))
	m, why := t.pick(left)
	switch {
	case why != "":
		return st, why
	case t.closed() != "":
		return st, t.closed()
	case t.around && !m.ready(): // no run gets there, and none waits for it
	case leaving >= t.Unavailable():
		return st, fmt.Sprintf("%s on the way out, of %d at once", planner.Plural(leaving, "node"), t.Unavailable())
	case t.own(started) && !t.proved():
		return st, "the first node on the new image"
	}
	return next(cordon+" "+m.ID, planner.Conditional), ""
}

// ended deletes a NodeClaim, by the mark that was begun, if one was.
func (t classTurn) ended(m member) applier.Status {
	forced := t.forced(m) && m.busy() != ""
	if e, begun := t.past.ends[m.ID]; begun && forced == e.forced {
		return next(e.mark, planner.Conditional)
	}
	return next(endMark(m, t.found, t.past.marks, false, forced), planner.Conditional)
}

// finish is of a class without old nodes: what it held is let go of.
func (t classTurn) finish() applier.Status {
	for _, m := range t.owned() {
		return t.lifted(m, "")
	}
	some := t.which(func(m member) bool { return !m.going() })
	switch {
	case len(some) > 0 && t.class.Images == nil: // it could start a node by what it knew before
		return pending(look, "%s", t.progress([]string{"Karpenter, which has not told yet what images it means"}))
	case len(some) > 0 && t.drifts() != "":
		return pending(look, "%s", t.progress([]string{t.drifts() + ", whose image is not known yet"}))
	case len(some) > 0 && !t.proved() && !t.around:
		return pending(look, "%s", t.progress([]string{some[0].String() + " is not ready yet"}))
	}
	if st, more := t.releases(""); more {
		return st
	}
	return t.over()
}
