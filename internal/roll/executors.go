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
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// settled is how long an executor is in maintenance before it is believed that no run comes
// to it any more: the write may take its deadline, and what Domino gave it just before shows
// by then.
const settled = 90 * time.Second

// markLasts is how old the mark of a write to Domino's database gets before another takes its
// place, so that the time in it is never much older than the write.
const markLasts = 10 * time.Second

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

// executorTurn is one look at a roll of executors.
type executorTurn struct {
	order
	of     schema.Executors
	now    time.Time
	group  bool       // it is there
	starts string     // the image that it starts executors from
	can    bool       // have the group start the old image again
	turned bool       // it does: image and from are the other way round
	all    []executor // of all tiers
	old    []executor // of this one, which are to go and are there yet
	lost   []string   // live runs that could be on any executor that runs
	left   []string   // what is not touched, and why
	past   executorPast
}

// look reads the executors of the tier, and then what is on them: no read of runs is older
// than that of the maintenance it goes with.
func (r executing) look(ctx context.Context, a applier.Attempt) (t executorTurn, err error) {
	if t.order, err = orderOf(a); err != nil {
		return t, err
	}
	if err := json.Unmarshal([]byte(a.Step.Args["executors"].Text), &t.of); err != nil {
		return t, fmt.Errorf("%s: the plan does not say which executors: %w", a.Step.ID, err)
	}
	t.past, t.now = executorPastOf(a), r.Now()
	if t.starts, t.group, err = r.Classic.GroupImage(ctx, a.Step.Object, t.of.Image); err != nil {
		return t, err
	}
	if _, t.can = t.switching(operation.UpdateDocument); r.Single == nil {
		t.can = false
	}
	if t.past.switched && t.group && t.starts == t.from {
		t.turned, t.order = true, t.order.turned()
	}
	all, err := r.Classic.LookExecutors(ctx, t.of)
	if err != nil {
		return t, err
	}
	if t.of.Alone && slices.ContainsFunc(all, func(x port.Executor) bool { return x.Tier == "" && x.Image == t.from }) {
		others, err := r.Classic.Sharing(ctx, a.Step.Object, t.of.Image, t.from) // the plan saw none start it; on the way back it is another image
		if err != nil {
			return t, err
		}
		t.of.Alone = len(others) == 0
	}
	var on map[string][]string
	if !a.Abort { // which ends none
		live, err := r.Classic.ListExecutions(ctx)
		if err != nil {
			return t, unanswered("Domino", err)
		}
		on, t.lost = byMachine(live)
	}
	for _, x := range all {
		m := executor{Executor: x, runs: on[x.ID]}
		m.launched, _ = time.Parse(time.RFC3339, x.Launched)
		t.all = append(t.all, m)
		switch has := t.of.Has(x.Tier, x.Image, t.from); {
		case x.Going() || x.Image == t.image || t.undoing && x.Image != t.from:
		case has:
			t.old = append(t.old, m)
		case x.Tier == "" && x.Image == t.from:
			t.left = append(t.left, x.ID+" (nobody tells its tier)")
		}
	}
	slices.SortFunc(t.old, byAge)
	return t, nil
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
func (t executorTurn) busy(x executor) string {
	on := x.runs
	if !x.stopped() {
		on = slices.Concat(x.runs, t.lost)
	}
	return planner.Printable(few(on))
}

// Observe tells how far the roll of a tier's executors is.
func (r executing) Observe(ctx context.Context, a applier.Attempt) (st applier.Status, err error) {
	if r.Classic == nil {
		return applier.Status{State: applier.Unsure, Why: "DC865: nobody tells what runs on the executors; state deployment.domino"}, nil
	}
	defer func() { saying(&st, nil) }()
	t, err := r.look(ctx, a)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	switch {
	case err != nil:
		return applier.Status{}, err
	case a.Abort:
		return t.abort(), nil
	case t.past.why != "":
		return t.back(t.past.why), nil
	case !t.group:
		return t.back(fmt.Sprintf("DC864: executor group %s is not there any more", a.Step.Object.ID())), nil
	case t.starts != t.image:
		return t.back(fmt.Sprintf("DC864: executor group %s starts %s by now, not %s", a.Step.Object.ID(), or(t.starts), t.image)), nil
	}
	alarm, err := r.ringing(ctx, t.order)
	if st, waits := waiting(err); waits {
		return st, nil
	}
	if why := cmp.Or(alarm, t.overdue()); why != "" || err != nil {
		return t.back(why), err
	}
	return t.forward(), nil
}

// byAge puts those first that nothing runs on, of those the oldest.
func byAge(a, b executor) int {
	return cmp.Or(cmp.Compare(min(len(a.runs), 1), min(len(b.runs), 1)), a.launched.Compare(b.launched), strings.Compare(a.ID, b.ID))
}
