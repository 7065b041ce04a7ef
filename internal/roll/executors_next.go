package roll

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// mapped says that domctl can put executors into maintenance.
func (t executorTurn) mapped() bool { return t.of.Known.Maintained() }

// byPerson says that only a person can end an executor: nobody stated where its maintenance
// stands, or what is stated does not lead there.
func (t executorTurn) byPerson(x executor) bool {
	if !t.mapped() {
		return !x.stopped()
	}
	return x.Document == "" || x.Odd != "" || t.overwritten(x)
}

// overwritten says that an executor's maintenance does not stay where it was written.
func (t executorTurn) overwritten(x executor) bool {
	h := t.past.in[x.ID]
	return h.own && h.times >= mostTimes && !x.Maintained() && t.now.Sub(h.at) >= markLasts
}

// forward is the next write of a roll, or what it waits for.
func (t executorTurn) forward() applier.Status {
	var waits []string
	var rest, people []executor
	missing, wait := 0, look
	for _, x := range t.old {
		switch {
		case x.State == "stopping":
			waits = append(waits, x.ID+", which is stopping")
		case t.byPerson(x):
			people = append(people, x)
		case t.mapped() && !x.Maintained():
			rest = append(rest, x)
		default:
			if !x.stopped() {
				missing++
			}
			st, why := t.empty(x)
			if why == "" {
				return st
			}
			waits = append(waits, why)
		}
	}
	if st, why := t.begin(rest, missing); why == "" {
		return st
	} else if why != nothing {
		waits = append(waits, why)
	}
	if len(people) > 0 {
		waits, wait = append([]string{t.tell(people)}, waits...), retry
	}
	if len(waits) > 0 {
		return pending(wait, "%s", planner.Printable(fmt.Sprintf("%s on another image than %s; waits for %s", planner.Plural(len(t.old), "executor"), t.image, few(waits))))
	}
	if st, more := t.cleared(""); more {
		return st
	}
	return t.done()
}

// empty is the next write to an executor that gets no runs any more; why not "" is what it
// waits for.
func (t executorTurn) empty(x executor) (st applier.Status, why string) {
	how := ""
	if x.stopped() {
		how = "stopped"
	}
	if t.mapped() {
		h, known := t.past.in[x.ID]
		switch {
		case !known:
			return next(fmt.Sprintf("%s %s %s #%d", seen, x.ID, stamp(t.now), t.past.marks), planner.Conditional), ""
		case t.now.Sub(h.at) < settled:
			return st, x.ID + ", which came into maintenance just now"
		case t.forced(x) && t.busy(x) != "":
			return t.ended(x, "forced"), ""
		}
	} else if why := t.closed(t.now); why != "" {
		return st, why
	}
	if busy := t.busy(x); busy != "" {
		return st, x.ID + ": " + busy
	}
	return t.ended(x, how), ""
}

// begin takes one more executor: those that are stopped are missed by nobody.
func (t executorTurn) begin(rest []executor, missing int) (st applier.Status, why string) {
	if len(rest) == 0 {
		return st, nothing
	}
	if why := t.closed(t.now); why != "" {
		return st, why
	}
	if i := slices.IndexFunc(rest, executor.stopped); i >= 0 {
		return t.enter(rest[i]), ""
	}
	if missing >= t.Unavailable() {
		return st, fmt.Sprintf("%s in maintenance, and no more than %d may be", planner.Plural(missing, "executor"), t.Unavailable())
	}
	return t.enter(rest[0]), ""
}

// tell says what a person is to do with executors that domctl ends none of.
func (t executorTurn) tell(people []executor) string {
	var each []string
	for _, x := range people {
		one := x.ID
		switch on := t.busy(x); {
		case x.Odd != "":
			one += " (DC866: " + x.Odd + ")"
		case t.mapped() && t.overwritten(x):
			one += fmt.Sprintf(" (DC866: its maintenance was set %d times and does not stay)", t.past.in[x.ID].times)
		case t.mapped():
			one += fmt.Sprintf(" (no document of %s names it)", t.of.Known.Collection)
		case on != "":
			one += " (" + on + ")"
		}
		each = append(each, one)
	}
	return "a person (DC861): in Domino's administration put each into Maintenance Mode, and terminate it in EC2 when its last run has ended: " + strings.Join(each, ", ")
}

// forced says that an executor's time to get empty is over, and that the plan has it go then.
func (t executorTurn) forced(x executor) bool {
	return t.Force && t.late(x)
}

// late says that its time to get empty is over.
func (t executorTurn) late(x executor) bool {
	h, known := t.past.in[x.ID]
	return known && x.Maintained() && t.drain > 0 && t.now.Sub(h.at) > max(t.drain, settled)
}

// overdue says that an executor was not empty in time, and is not forced to be.
func (t executorTurn) overdue() string {
	for _, x := range t.old {
		if t.late(x) && !t.Force && t.busy(x) != "" {
			return fmt.Sprintf("DC835: %s was not empty after %s: %s", x.ID, t.DrainTimeout, t.busy(x))
		}
	}
	return ""
}

// done is a roll that is over; left says what was not touched.
func (t executorTurn) done() applier.Status {
	out := map[string]schema.Value{"replaced": schema.JSON(t.replaced())}
	if len(t.left) > 0 {
		out["left"] = schema.JSON(t.left)
	}
	return applier.Status{State: applier.Finished, Outputs: out}
}
