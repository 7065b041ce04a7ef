package roll

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// rolling is the executor of an Auto Scaling group.
type rolling struct{ *Roller }

// Observe tells how far the roll of a group is.
func (r rolling) Observe(ctx context.Context, a applier.Attempt) (st applier.Status, err error) {
	o, err := orderOf(a)
	if err != nil {
		return applier.Status{}, err
	}
	if r.Nodes == nil {
		return applier.Status{State: applier.Unsure, Why: "DC830: nobody tells what runs on the nodes; state deployment: kubernetes: nodes: true"}, nil
	}
	f, err := r.Roller.look(ctx, o.asg, !a.Abort)
	var left []string
	if err == nil {
		left, err = r.detached(ctx, o, f.others)
	}
	if st, waits := waiting(err); waits {
		return st, nil
	}
	if err != nil {
		return applier.Status{}, err
	}
	o.unreturning(f.members)
	t := turn{order: o, found: f, past: pastOf(a), r: r.Roller, left: left}
	defer func() { saying(&st, t.members) }()
	switch {
	case a.Abort:
		return t.abort(), nil
	case !f.there:
		return failed("DC831: there is no Auto Scaling group %s any more; look at it, then domctl apply --supersede %s", o.asg, o.Apply), nil
	case t.past.why != "":
		return t.back(t.past.why), nil
	}
	if st, halts := t.halted(); halts {
		return st, nil
	}
	if t.starts == t.image {
		r.heard.Delete(o.Step.ID)
	} else if since, _ := r.heard.LoadOrStore(o.Step.ID, f.now); t.starts == t.from && f.now.Sub(since.(time.Time)) < switchShows {
		return pending(look, "%s does not show yet that it starts nodes from %s", o.asg, o.image), nil
	}
	alarm, err := r.ringing(ctx, o)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	if why := cmp.Or(alarm, t.wrong()); why != "" || err != nil {
		return t.back(why + r.inAWSWords(ctx, t, why)), err
	}
	if o.Strategy == schema.InstanceRefresh {
		return t.refresh(), nil
	}
	return t.forward(), nil
}

// inAWSWords is why a group started no instance, as AWS says it; "" where that is not what
// went wrong, or nobody tells.
func (r *Roller) inAWSWords(ctx context.Context, t turn, why string) string {
	at, _ := t.past.asked()
	if !strings.HasPrefix(why, "DC834") {
		return ""
	}
	activities, err := r.Outside.FailedActivities(ctx, t.group.Name, at)
	if err != nil || len(activities) == 0 {
		return ""
	}
	return ": " + planner.Printable(activities[0].Message)
}

// waiting is of an outside that does not answer now: nothing is known, so nothing is done.
func waiting(err error) (applier.Status, bool) {
	var a *away
	switch {
	case errors.As(err, &a):
		return pending(retry, "%s does not answer, so that nobody tells %s: %v", a.what, a.of, a.error), true
	case errors.Is(err, port.ErrThrottled):
		return pending(retry, "AWS limits how often it is asked"), true
	}
	return applier.Status{}, false
}

// turn is one look at a roll.
type turn struct {
	order
	found
	past past
	r    *Roller
	left []string // instances that left the group with the cordon of this step
}

// ofHold is the key of when a step was last seen to be held, among what is heard.
type ofHold string

// halted says what keeps a roll from going on, whatever stands.
func (t turn) halted() (applier.Status, bool) {
	for _, process := range []string{"Launch", "Terminate"} {
		if slices.Contains(t.group.SuspendedProcesses, process) {
			t.r.heard.Store(ofHold(t.Step.ID), t.now)
			return pending(retry, "the process %s of %s is suspended; resume it, and the roll goes on", process, t.group.Name), true
		}
	}
	if t.newest.Live() && !t.mine(t.newest) {
		return pending(retry, "instance refresh %s of %s is %s, and not of this apply; the roll goes on when it is over", t.newest.ID, t.group.Name, t.newest.Status), true
	}
	return applier.Status{}, false
}

// wrong says why a roll goes no further; "" while it does.
func (t turn) wrong() string {
	if t.starts != t.image {
		return fmt.Sprintf("DC832: %s starts nodes from %s by now, not from %s", t.group.Name, or(t.starts), t.image)
	}
	for _, m := range t.members {
		late := !m.launched.IsZero() && t.now.Sub(m.unready()) > mostReady
		if m.image == t.image && !m.going() && (m.serving() || strings.HasPrefix(m.Lifecycle, "Pending")) && !m.joined() && late && m.launched.After(t.Began.Add(-mostReady)) {
			return fmt.Sprintf("DC833: %s of the %s image was launched at %s and is not ready", m, t.comes(), m.launched.UTC().Format("15:04"))
		}
	}
	at, desired := t.past.asked()
	if held, was := t.r.heard.Load(ofHold(t.Step.ID)); was && !at.IsZero() && held.(time.Time).After(at) {
		at = held.(time.Time) // until then the group started nothing
	}
	if !at.IsZero() && t.now.Sub(at) > mostStart && desired == t.group.Desired && t.present() < t.group.Desired {
		return fmt.Sprintf("DC834: %s has %d of %d instances since %s: no capacity for them, or a quota is reached", t.group.Name, t.present(), t.group.Desired, at.UTC().Format("15:04"))
	}
	return cmp.Or(t.refreshFailed(), t.overdue())
}

// dead says that a member of the image that is wanted was not ready long before the roll
// began: what is not the roll's doing keeps it from nothing.
func (t turn) dead(m member) bool {
	return m.image == t.image && m.serving() && !m.joined() && !m.launched.IsZero() && t.Began.Sub(m.unready()) > mostReady
}

// overdue says that an old node was not empty in time, and is not forced to be.
func (t turn) overdue() string { return t.tardy(t.old(t.order)) }

// tardy is that of some members.
func (t turn) tardy(some []member) string {
	for _, m := range some {
		if t.late(m) && !t.Force && m.busy() != "" {
			return fmt.Sprintf("DC835: %s was not empty after %s: %s", m, t.DrainTimeout, m.busy())
		}
	}
	return ""
}

// present are the instances that count for the group's capacity.
func (t turn) present() (n int64) {
	return int64(len(t.which(func(m member) bool { return !m.going() && !m.standby() && !strings.HasPrefix(m.Lifecycle, "Warmed:") })))
}

// busy says what a node waits for; "" when nothing is on it that it waits for.
func (m member) busy() string {
	on := slices.Concat(m.runs, m.held)
	if len(on) == 0 && len(m.movable) > 0 {
		p := m.movable[0]
		return planner.Printable(fmt.Sprintf("pod %s/%s has not gone", p.Namespace, p.Name))
	}
	return planner.Printable(few(on))
}

// forward is the next write of a roll, or what it waits for.
func (t turn) forward() applier.Status {
	if c, is := t.past.open(t.group.Desired); is && !t.moved(c) {
		return t.capacity(c)
	}
	return t.onward(t)
}

// wait is until the next look: where nothing but a cordon is too young, until it is not.
func (t turn) wait(started []member) time.Duration {
	least := quiet
	for _, m := range started {
		at, own := t.cordoned(m.node)
		if !own || t.now.Sub(at) >= quiet {
			return look
		}
		least = min(least, quiet-t.now.Sub(at).Truncate(time.Second))
	}
	if len(started) == 0 {
		return look
	}
	return least
}

// started says that a member is on its way out: cordoned, by us or another, or with no
// node that could be.
func (t turn) started(m member) bool {
	return m.cordoned() || m.warm() || m.serving() && m.node == nil && t.now.Sub(m.launched) > mostReady
}

// joining says that a machine's node is yet to come, so that nothing keeps runs from it.
func (t turn) joining(m member) bool {
	return m.node == nil && !m.warm() && (!m.serving() || m.launched.IsZero() || t.now.Sub(m.launched) <= mostReady)
}

// moved says that the capacity is neither what it was nor what a change of it was to make of
// it, so long after the change that somebody else has set it since.
func (t turn) moved(c change) bool {
	return t.group.Desired != c.from && t.now.Sub(c.at) > changeShows
}

// capacity is a change of it that does not show: made again, unless the group moved
// another way.
func (t turn) capacity(c change) applier.Status {
	if t.group.Desired == c.from {
		return next(c.mark, planner.Absolute)
	}
	return pending(look, "the capacity of %s was to be %d and is %d; looking again", t.group.Name, c.to, t.group.Desired)
}

// empty is the next write to a node that is on its way out; why not "" is what it waits
// for. Without either, nothing on it is waited for any more.
func (t turn) empty(m member) (st applier.Status, why string) {
	at, own := t.cordoned(m.node)
	switch {
	case m.shielded() != "":
		return st, m.shielded()
	case !m.serving() && !m.warm():
		return st, fmt.Sprintf("%s is %s", m, m.Lifecycle)
	case m.warm() && m.node != nil && !m.cordoned(): // one that runs has joined
		return next(cordon+" "+m.ID, planner.Conditional), ""
	case own && t.now.Sub(at) < quiet:
		return st, fmt.Sprintf("the scheduler to hear that %s is cordoned", m)
	case t.forced(m):
		return st, ""
	case len(m.runs)+len(m.held) > 0:
		return st, fmt.Sprintf("%s: %s", m, m.busy())
	}
	for _, p := range m.movable {
		if r, refused := t.refused(p.UID); refused {
			why = fmt.Sprintf("%s: pod %s/%s, which %s", m, planner.Printable(p.Namespace), planner.Printable(p.Name), r)
			continue
		}
		return next(fmt.Sprintf("%s %s %s/%s %s", evict, m.ID, p.Namespace, p.Name, p.UID), planner.Conditional), ""
	}
	return st, why
}

// forced says that a node's time to get empty is over, and that the plan has it go then.
func (t turn) forced(m member) bool { return t.Force && t.late(m) }

// late says that its time to get empty is over.
func (t turn) late(m member) bool {
	at, own := t.cordoned(m.node)
	return own && !at.IsZero() && t.drain > 0 && t.now.Sub(at) > t.drain
}

// refused says that a pod was not allowed to go a moment ago, and why.
func (t turn) refused(uid string) (why string, is bool) {
	v, _ := t.r.heard.Load(uid)
	no, is := v.(refusal)
	return no.why, is && t.now.Before(no.until)
}

// ended terminates a member, by the mark that was begun, if one was.
func (t turn) ended(m member) applier.Status {
	forced := t.forced(m) && m.busy() != ""
	smaller := !m.warm() && t.group.Desired > t.group.Min && (t.past.surplus(t.found) > 0 || t.Strategy == schema.OnDemand)
	if e, begun := t.past.ends[m.ID]; begun && e.smaller == smaller && forced == e.forced {
		return next(e.mark, planner.Absolute)
	}
	return next(endMark(m, t.found, t.past.marks, smaller, forced), planner.Absolute)
}

// finish is of a group without old nodes.
func (t turn) finish() applier.Status {
	if st, more := t.cleared(""); more {
		return st
	}
	for _, m := range t.members {
		if m.image == t.image && !m.going() && !m.standby() && !m.warm() && !m.joined() && !t.dead(m) || m.image == "" && strings.HasPrefix(m.Lifecycle, "Pending") {
			return pending(look, "%s", t.progress([]string{m.String() + " is not ready yet"}))
		}
	}
	if t.present() < t.group.Desired {
		return pending(look, "%s", t.progress([]string{fmt.Sprintf("%d of %d instances are there", t.present(), t.group.Desired)}))
	}
	return t.done()
}

// done is a roll that is over; left says what was not touched.
func (t turn) done() applier.Status {
	out := map[string]schema.Value{"replaced": schema.JSON(t.past.replaced(t.found))}
	var left []string
	for _, m := range t.members {
		if m.image == "" && !m.going() {
			left = append(left, m.ID+" (nobody tells its image)")
		}
	}
	if len(left) > 0 {
		out["left"] = schema.JSON(left)
	}
	return applier.Status{State: applier.Finished, Outputs: out}
}

// comes is the image that nodes are to have, in a word.
func (t turn) comes() string {
	if t.past.why != "" {
		return "old"
	}
	return "new"
}

// progress is how far a roll is and what it waits for.
func (t turn) progress(waits []string) string {
	goes := "old"
	if t.comes() == goes {
		goes = "new"
	}
	return fmt.Sprintf("%s: %s on the %s image; waits for %s", t.group.Name, planner.Plural(len(t.old(t.order)), "node"), goes, planner.Printable(few(waits)))
}

// few are some of many, for people.
func few(all []string) string {
	const most = 3
	if len(all) <= most {
		return strings.Join(all, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(all[:most], ", "), len(all)-most)
}

func or(text string) string { return cmp.Or(text, "nothing that is there") }
