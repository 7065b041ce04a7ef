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
func (s shift) mapped() bool { return s.of.Known.Maintained() }

// byPerson says that only a person can end an executor: nobody stated where its maintenance
// stands, or what is stated does not lead there.
func (s shift) byPerson(x executor) bool {
	if !s.mapped() {
		return !x.stopped()
	}
	return x.Document == "" || x.Odd != "" || s.overwritten(x)
}

// overwritten says that an executor's maintenance does not stay where it was written.
func (s shift) overwritten(x executor) bool {
	h := s.past.in[x.ID]
	return h.own && h.times >= mostTimes && !x.Maintained() && s.now.Sub(h.at) >= fresh
}

// forward is the next write of a roll, or what it waits for.
func (s shift) forward() applier.Status {
	var waits []string
	var rest, people []executor
	missing, wait := 0, look
	for _, x := range s.old {
		switch {
		case x.State == "stopping":
			waits = append(waits, x.ID+", which is stopping")
		case s.byPerson(x):
			people = append(people, x)
		case s.mapped() && !x.Maintained():
			rest = append(rest, x)
		default:
			if !x.stopped() {
				missing++
			}
			st, why := s.empty(x)
			if why == "" {
				return st
			}
			waits = append(waits, why)
		}
	}
	if st, why := s.begin(rest, missing); why == "" {
		return st
	} else if why != nothing {
		waits = append(waits, why)
	}
	if len(people) > 0 {
		waits, wait = append([]string{s.tell(people)}, waits...), retry
	}
	if len(waits) > 0 {
		return pending(wait, "%s", planner.Printable(fmt.Sprintf("%s on another image than %s; waits for %s", planner.Plural(len(s.old), "executor"), s.image, few(waits))))
	}
	if st, more := s.cleared(""); more {
		return st
	}
	return s.done()
}

// empty is the next write to an executor that gets no runs any more; why not "" is what it
// waits for.
func (s shift) empty(x executor) (st applier.Status, why string) {
	how := ""
	if x.stopped() {
		how = "stopped"
	}
	if s.mapped() {
		h, known := s.past.in[x.ID]
		switch {
		case !known:
			return next(fmt.Sprintf("%s %s %s #%d", seen, x.ID, stamp(s.now), s.past.marks), planner.Conditional), ""
		case s.now.Sub(h.at) < settled:
			return st, x.ID + ", which came into maintenance just now"
		case s.forced(x) && s.busy(x) != "":
			return s.ended(x, "forced"), ""
		}
	} else if why := s.closed(s.now); why != "" {
		return st, why
	}
	if busy := s.busy(x); busy != "" {
		return st, x.ID + ": " + busy
	}
	return s.ended(x, how), ""
}

// begin takes one more executor: those that are stopped are missed by nobody.
func (s shift) begin(rest []executor, missing int) (st applier.Status, why string) {
	if len(rest) == 0 {
		return st, nothing
	}
	if why := s.closed(s.now); why != "" {
		return st, why
	}
	if i := slices.IndexFunc(rest, executor.stopped); i >= 0 {
		return s.enter(rest[i]), ""
	}
	if missing >= s.Unavailable() {
		return st, fmt.Sprintf("%s in maintenance, and no more than %d may be", planner.Plural(missing, "executor"), s.Unavailable())
	}
	return s.enter(rest[0]), ""
}

// tell says what a person is to do with executors that domctl ends none of.
func (s shift) tell(people []executor) string {
	var each []string
	for _, x := range people {
		one := x.ID
		switch on := s.busy(x); {
		case x.Odd != "":
			one += " (DC866: " + x.Odd + ")"
		case s.mapped() && s.overwritten(x):
			one += fmt.Sprintf(" (DC866: its maintenance was set %d times and does not stay)", s.past.in[x.ID].times)
		case s.mapped():
			one += fmt.Sprintf(" (no document of %s names it)", s.of.Known.Collection)
		case on != "":
			one += " (" + on + ")"
		}
		each = append(each, one)
	}
	return "a person (DC861): in Domino's administration put each into Maintenance Mode, and terminate it in EC2 when its last run has ended: " + strings.Join(each, ", ")
}

// forced says that an executor's time to get empty is over, and that the plan has it go then.
func (s shift) forced(x executor) bool {
	return s.Force && s.late(x)
}

// late says that its time to get empty is over.
func (s shift) late(x executor) bool {
	h, known := s.past.in[x.ID]
	return known && x.Maintained() && s.drain > 0 && s.now.Sub(h.at) > max(s.drain, settled)
}

// overdue says that an executor was not empty in time, and is not forced to be.
func (s shift) overdue() string {
	for _, x := range s.old {
		if s.late(x) && !s.Force && s.busy(x) != "" {
			return fmt.Sprintf("DC835: %s was not empty after %s: %s", x.ID, s.DrainTimeout, s.busy(x))
		}
	}
	return ""
}

// back turns a roll back: what it put into maintenance comes out. Then it has failed.
func (s shift) back(why string) applier.Status {
	if st, more := s.cleared(because + why); more {
		return st
	}
	st := failed("%s; what it put into maintenance is taken out again, and new executors start from %s. domctl apply --supersede %s lets go of it, domctl rollback --to %[3]s has the old image back", why, or(s.starts), s.Apply)
	st.Doubt = s.open()
	return st
}

// abort takes away what a roll holds. With an executor ended it is finished as far as it
// went, so that a rollback ends those of the new image.
func (s shift) abort() applier.Status {
	if st, more := s.cleared(""); more {
		return st
	}
	st := applier.Status{State: applier.Undone}
	if s.replaced() > 0 {
		st = s.done()
	}
	st.Doubt = s.open()
	return st
}

// done is a roll that is over; left says what was not touched.
func (s shift) done() applier.Status {
	out := map[string]schema.Value{"replaced": schema.JSON(s.replaced())}
	if len(s.left) > 0 {
		out["left"] = schema.JSON(s.left)
	}
	return applier.Status{State: applier.Finished, Outputs: out}
}
