package roll

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/schema"
)

// The writes. Each names what it is made to; raise and end also what is needed to tell
// later what became of them.
const (
	cordon   = "cordon"    // instance
	uncordon = "uncordon"  // instance
	evict    = "evict"     // instance, namespace/pod, uid
	end      = "terminate" // instance, when, of how many, what number of mark it is, "smaller", "forced", "spare"
	raise    = "raise"     // from, to, what number of mark it is, when
	lower    = "lower"     // from, to, what number of mark it is
	refresh  = "refresh"   // the id of the refresh before it, or "none"
	cancel   = "cancel"    // the id of the refresh
	update   = "update"    // the version, when, "forced"

	switchBack = "switch" // has the group start the old image again
	swapBack   = "back"   // has an EC2NodeClass as it stood: when
)

// because begins the reason for which a roll is turned back. A write that has one is of
// the way back, so that it stays known once what was wrong is gone.
const because = " because "

// stuck is a word of a write after the way back failed, whose reason ends with stopped and
// what stopped it: a reason alone, which AWS words, may read like anything.
const (
	stuck   = "stuck"
	stopped = " stopped by "
)

// markOf cuts a mark into its words, and its reason.
func markOf(mark string) (words []string, why string) {
	what, why, _ := strings.Cut(mark, because)
	return strings.Fields(what), why
}

// word is the nth of some words, "" beyond.
func word(words []string, n int) string {
	if n < len(words) {
		return words[n]
	}
	return ""
}

func number(text string) int64 {
	n, _ := strconv.ParseInt(strings.TrimLeft(text, "#"), 10, 64)
	return n
}

// begun is a mark that begins so, of a write of which there is one; "" before it.
func (o order) begun(what string) string {
	for _, mark := range schema.Sorted(o.Begun) {
		if strings.HasPrefix(mark, what+" ") {
			return mark
		}
	}
	return ""
}

// onWayBack is an answer of a roll the other way round: its writes say why in their marks, and
// what it waits for begins with that.
func onWayBack(st applier.Status, why string) applier.Status {
	switch {
	case st.State == applier.Next && !strings.Contains(st.Mark, because):
		st.Mark += because + why
	case st.State == applier.Pending:
		st.Why = "turned back, because " + why + "; " + st.Why
	}
	return st
}

// past is what a step has begun.
type past struct {
	why  string // for which it is turned back; "" while it is not
	gave string // what stopped the way back; "" while nothing did
	// switched says that what is switched was to be as it was.
	switched bool
	ends     map[string]ending // by instance
	change   []change          // of the capacity, in order
	marks    int
}

// ending is an instance that was to be terminated.
type ending struct {
	mark    string
	at      time.Time
	of      int64 // desired then
	n       int   // what number of mark it is, from 0
	smaller bool
	forced  bool
	spare   bool   // of the new image: to lower the capacity with
	how     string // of an executor: "", "stopped" or "forced"
}

// change is one of the capacity.
type change struct {
	mark     string
	from, to int64
	n        int // what number of mark it is, from 0
	at       time.Time
}

func pastOf(a applier.Attempt) (p past) {
	p.ends, p.marks = map[string]ending{}, len(a.Begun)
	for _, mark := range schema.Sorted(a.Begun) {
		words, why := markOf(mark)
		if i := strings.LastIndex(why, stopped); i >= 0 && slices.Contains(words, stuck) {
			p.gave, why = cmp.Or(p.gave, why[i+len(stopped):]), why[:i]
		}
		p.why = cmp.Or(p.why, why)
		switch word(words, 0) {
		case switchBack, swapBack:
			p.switched = true
		case end:
			e := ending{mark: mark, of: number(word(words, 3)), n: int(number(word(words, 4))), smaller: slices.Contains(words, "smaller"), forced: slices.Contains(words, "forced"), spare: slices.Contains(words, "spare")}
			e.at, _ = parseTime(word(words, 2))
			if was, twice := p.ends[word(words, 1)]; !twice || was.n < e.n { // the last of them did it
				p.ends[word(words, 1)] = e
			}
		case raise, lower:
			c := change{mark: mark, from: number(word(words, 1)), to: number(word(words, 2)), n: int(number(word(words, 3)))}
			c.at, _ = parseTime(word(words, 4))
			p.change = append(p.change, c)
		}
	}
	return p
}

func (p past) latest() (c change, is bool) {
	for _, some := range p.change {
		if !is || some.n > c.n {
			c, is = some, true
		}
	}
	return c, is
}

// open is a change of the capacity that was begun last of all and does not show.
func (p past) open(desired int64) (c change, is bool) {
	c, is = p.latest()
	short := c.from < c.to && desired < c.to || c.from > c.to && desired > c.to
	return c, is && c.n == p.marks-1 && short
}

// stays says that an instance is in the group and not on its way out of it.
func (f found) stays(id string) bool {
	return slices.ContainsFunc(f.members, func(m member) bool { return m.ID == id && !m.going() })
}

// surplus is how much of a group's capacity is this step's: what it raised, less what
// went with instances that it ended. One that is in the group yet has not gone.
func (p past) surplus(f found) (n int64) {
	for _, c := range p.change {
		if p.landed(c, f.group.Desired) {
			n += c.to - c.from
		}
	}
	for id, e := range p.ends {
		if e.smaller && !f.stays(id) {
			n--
		}
	}
	return max(n, 0)
}

// landed says that a change of the capacity came about: it shows in the first write after it
// that notes the capacity, else in what that is.
func (p past) landed(c change, desired int64) bool {
	first := p.marks
	for _, later := range p.change {
		if later.n > c.n && later.n < first {
			first, desired = later.n, later.from
		}
	}
	for _, later := range p.ends {
		if later.n > c.n && later.n < first {
			first, desired = later.n, later.of
		}
	}
	return c.from < c.to && desired >= c.to || c.from > c.to && desired <= c.to
}

// replaced counts the old nodes that were terminated.
func (p past) replaced(f found) (n int) {
	for id, e := range p.ends {
		if !e.spare && !f.stays(id) {
			n++
		}
	}
	return n
}

// asked is when the group was asked for an instance by the last write of all, and what
// its capacity was then; the zero time where that asked for none.
func (p past) asked() (at time.Time, desired int64) {
	if c, is := p.latest(); is && c.n == p.marks-1 && c.from < c.to {
		return c.at, c.to
	}
	for _, e := range p.ends {
		if !e.smaller && e.n == p.marks-1 {
			return e.at, e.of
		}
	}
	return at, 0
}

func endMark(m member, f found, marks int, smaller, forced bool) string {
	mark := fmt.Sprintf("%s %s %s %d #%d", end, m.ID, stamp(f.now), f.group.Desired, marks)
	if smaller {
		mark += " smaller"
	}
	if forced {
		mark += " forced"
	}
	return mark
}

func changeMark(what string, from, to int64, marks int, now time.Time) string {
	return fmt.Sprintf("%s %d %d #%d %s", what, from, to, marks, stamp(now))
}
