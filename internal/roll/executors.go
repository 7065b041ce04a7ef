package roll

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// settled is how long an executor is in maintenance before it is believed that no run comes
// to it any more: the write may take its deadline, and what Domino gave it just before shows
// by then.
const settled = 90 * time.Second

// fresh is how old the mark of a write to Domino's database is before another takes its
// place, so that the time in it is never much older than the write.
const fresh = 10 * time.Second

// Classic tells of the executors of a classic deployment. Each answer is whole, or an error.
type Classic interface {
	// LookExecutors are those that have the tags, of all tiers.
	LookExecutors(ctx context.Context, e schema.Executors) ([]port.Executor, error)
	// GroupImage is what an executor group starts.
	GroupImage(ctx context.Context, group planner.Ref, path string) (image string, there bool, err error)
	// Sharing are the other executor groups that start an image, by their ids.
	Sharing(ctx context.Context, group planner.Ref, path, image string) ([]string, error)
	// ListExecutions are the live runs; a unit without a node could be anywhere.
	ListExecutions(ctx context.Context) ([]port.Execution, error)
}

// Machines is what a roll of executors writes to.
type Machines interface {
	UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (matched bool, err error)
	TerminateInstance(ctx context.Context, id string) error
}

// executing is the executor of the roll of a classic tier, whose executors Domino starts
// itself when runs ask for them: each old one is put into maintenance, and ended when its
// last run has.
type executing struct{ *Roller }

// executor is one of the deployment's, and what is on it.
type executor struct {
	port.Executor
	launched time.Time
	runs     []string // live ones that are told to be there
}

func (x executor) stopped() bool { return x.State == "stopped" }

// shift is one look at a roll of executors.
type shift struct {
	order
	of     schema.Executors
	now    time.Time
	group  bool       // it is there
	starts string     // the image that it starts executors from
	all    []executor // of all tiers
	old    []executor // of this one, which are to go and are there yet
	lost   []string   // live runs that could be on any executor that runs
	left   []string   // what is not touched, and why
	past   tenure
}

// look reads the executors of the tier, and then what is on them: no read of runs is older
// than that of the maintenance it goes with.
func (r executing) look(ctx context.Context, a applier.Attempt) (s shift, err error) {
	if s.order, err = orderOf(a); err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(a.Step.Args["executors"].Text), &s.of); err != nil {
		return s, fmt.Errorf("%s: the plan does not say which executors: %w", a.Step.ID, err)
	}
	s.past, s.now = tenureOf(a), r.Now()
	if s.starts, s.group, err = r.Classic.GroupImage(ctx, a.Step.Object, s.of.Image); err != nil {
		return s, err
	}
	all, err := r.Classic.LookExecutors(ctx, s.of)
	if err != nil {
		return s, err
	}
	if s.of.Alone && slices.ContainsFunc(all, func(x port.Executor) bool { return x.Tier == "" && x.Image == s.from }) {
		others, err := r.Classic.Sharing(ctx, a.Step.Object, s.of.Image, s.from) // the plan saw none start it; on the way back it is another image
		if err != nil {
			return s, err
		}
		s.of.Alone = len(others) == 0
	}
	var on map[string][]string
	if !a.Abort { // which ends none
		live, err := r.Classic.ListExecutions(ctx)
		if err != nil {
			return s, unanswered("Domino", err)
		}
		on, s.lost = byMachine(live)
	}
	for _, x := range all {
		m := executor{Executor: x, runs: on[x.ID]}
		m.launched, _ = time.Parse(time.RFC3339, x.Launched)
		s.all = append(s.all, m)
		switch has := s.of.Has(x.Tier, x.Image, s.from); {
		case x.Going() || x.Image == s.image || s.undoing && x.Image != s.from:
		case has:
			s.old = append(s.old, m)
		case x.Tier == "" && x.Image == s.from:
			s.left = append(s.left, x.ID+" (nobody tells its tier)")
		}
	}
	slices.SortFunc(s.old, byAge)
	return s, nil
}

// byMachine are the live runs by where they are, and those of which nobody tells, of a part
// or the whole, and that do not wait in the queue. What is told and names no instance tells
// nothing.
func byMachine(live []port.Execution) (on map[string][]string, lost []string) {
	on = map[string][]string{}
	for _, e := range live {
		astray := len(e.Units) == 0 && !port.Nowhere(e.Status)
		for _, u := range e.Units {
			if strings.HasPrefix(u.Node, "i-") {
				on[u.Node] = append(on[u.Node], "run "+e.ID)
			} else {
				astray = astray || u.Node != "" || !port.Nowhere(cmp.Or(u.Status, e.Status))
			}
		}
		if astray {
			lost = append(lost, fmt.Sprintf("run %s, of which nobody tells the machine", e.ID))
		}
	}
	for node := range on {
		slices.Sort(on[node])
		on[node] = slices.Compact(on[node])
	}
	return on, lost
}

// busy says what an executor waits for; "" when nothing is on it. Nothing runs on one that is
// stopped but what Domino says is there.
func (s shift) busy(x executor) string {
	on := x.runs
	if !x.stopped() {
		on = slices.Concat(x.runs, s.lost)
	}
	return planner.Printable(few(on))
}

// Observe tells how far the roll of a tier's executors is.
func (r executing) Observe(ctx context.Context, a applier.Attempt) (st applier.Status, err error) {
	if r.Classic == nil {
		return applier.Status{State: applier.Unsure, Why: "DC865: nobody tells what runs on the executors; state deployment.domino"}, nil
	}
	defer func() { saying(&st, nil) }()
	s, err := r.look(ctx, a)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	switch {
	case err != nil:
		return applier.Status{}, err
	case a.Abort:
		return s.abort(), nil
	case s.past.why != "":
		return s.back(s.past.why), nil
	case !s.group:
		return s.back(fmt.Sprintf("DC864: executor group %s is not there any more", a.Step.Object.ID())), nil
	case s.starts != s.image:
		return s.back(fmt.Sprintf("DC864: executor group %s starts %s by now, not %s", a.Step.Object.ID(), or(s.starts), s.image)), nil
	}
	alarm, err := r.ringing(ctx, s.order)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	if why := cmp.Or(alarm, s.overdue()); why != "" || err != nil {
		return s.back(why), err
	}
	return s.forward(), nil
}

// byAge puts those first that nothing runs on, of those the oldest.
func byAge(a, b executor) int {
	return cmp.Or(cmp.Compare(min(len(a.runs), 1), min(len(b.runs), 1)), a.launched.Compare(b.launched), strings.Compare(a.ID, b.ID))
}
