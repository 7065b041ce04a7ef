// Package probe proves in Domino itself that nodes of an image have what runs need: the
// long operation domino.probe as an Executor. A hidden copy of a tier is made on the
// image, a run is started there, the time that it waits for its images is read, the run
// is stopped, and the copy is archived.
//
// What stands is told from the outside alone: tier and executor group by their ids, and
// the run by its title, which hold the step's token. Whatever the figure, and wherever a
// process died, nothing of it stays but an archived tier and a run in the project's list.
// internal/engine hands it to the applier.
package probe

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Documents is what of MongoDB a probe reads and writes.
type Documents interface {
	Find(ctx context.Context, q port.Query) ([]port.Document, error)
	InsertOne(ctx context.Context, collection string, d port.Document) error
	UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (matched bool, err error)
	DeleteOne(ctx context.Context, collection string, where port.Document) (matched bool, err error)
}

// Domino is what of its API a probe calls.
type Domino interface {
	port.Jobs
	PullTime(ctx context.Context, execution string) (took time.Duration, told bool, err error)
}

// Prober proves images. Domino is nil where the deployment does not state it.
type Prober struct {
	Documents Documents
	Domino    Domino
	Now       func() time.Time

	heard sync.Map // token of a step → what Domino said to a start that was refused
	seen  sync.Map // id of a run → when it was first looked at, by domctl's clock
}

// Operations are the rows of the operation table that stand here.
func (p *Prober) Operations() applier.Operations {
	return applier.Operations{operation.Probe: {Executor: p, Undo: undoNothing, Tool: "aws", Command: byHand, Calls: []string{"InsertOne", "UpdateOne", "DeleteOne", "StartJob", "StopJob"}}}
}

// undoNothing: the operation itself takes away what it made.
func undoNothing(planner.Done) []planner.Step { return nil }

func byHand(applier.Manual) string {
	return `echo "domctl probes by itself: start a run on a tier of the new image, and see how long it is in pulling" >&2; exit 1`
}

const (
	mostProbe  = 30 * time.Minute // for a node to come up and a run to have its images
	apart      = time.Hour        // that clocks may be
	mostStarts = 2                // a call whose answer was lost is made once more
	command    = "sleep 900"      // what the run does; it ends by itself if nobody stops it
)

// The writes, in their order. A start has its number, a stop the run's id and figure.
const (
	makeTier  = "tier"
	makeGroup = "group"
	start     = "start "
	stop      = "stop "
	dropGroup = "drop group"
	archive   = "archive tier"
)

// order is a step at its turn.
type order struct {
	applier.Attempt
	tier, group string // ids; the group's in Extended JSON
	title       string
}

func orderOf(a applier.Attempt) order {
	token := applier.RoundToken(a.Token, a.Round, 0)
	return order{a, "domctl-probe-" + token[:16], `{"$oid":"` + token[:24] + `"}`, a.Step.Args["title"].Str() + " " + token[:16]}
}

func (o order) arg(name string) string { return o.Step.Args[name].Str() }

// copied is a document that the plan holds below a prefix.
func (o order) copied(prefix string) port.Document {
	d := port.Document{}
	for p, v := range o.Step.Args {
		if path, is := strings.CutPrefix(p, prefix); is && v.Is == schema.Known {
			d[path] = v.Text
		}
	}
	return d
}

// found is what stands of a probe.
type found struct {
	tier, archived, group bool
	unlisted              bool // under Abort: Domino does not list the jobs
	jobs                  []port.Job
}

func (p *Prober) look(ctx context.Context, o order) (f found, err error) {
	tiers, err := p.Documents.Find(ctx, port.Query{Collection: o.arg("tiers"), Any: map[string][]string{"_id": {schema.JSON(o.tier).Text}}})
	if err != nil {
		return f, err
	}
	groups, err := p.Documents.Find(ctx, port.Query{Collection: o.arg("groups"), Any: map[string][]string{"_id": {o.group}}})
	if err != nil {
		return f, err
	}
	jobs, err := p.Domino.ListJobs(ctx, o.arg("project"), o.title, o.Began.Add(-apart))
	if f.unlisted = err != nil && o.Abort && ctx.Err() == nil; err != nil && !f.unlisted {
		return f, err
	}
	f.tier, f.group = len(tiers) > 0, len(groups) > 0
	f.archived = f.tier && tiers[0][o.arg("archived")] == "true"
	if o.Begun[start+"1"] { // until then it is somebody else's, whatever it is called
		f.jobs = jobs[max(len(jobs)-o.starts(), 0):] // the oldest: their title can be copied once it is there
	}
	return f, nil
}

// Observe tells how far a probe is.
func (p *Prober) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if p.Domino == nil {
		return applier.Status{State: applier.Unsure, Why: port.ErrUnstated.Error()}, nil
	}
	o := orderOf(a)
	f, err := p.look(ctx, o)
	if err != nil {
		return applier.Status{}, err
	}
	for _, j := range f.jobs {
		if st, under, err := p.running(ctx, o, j); under || err != nil {
			return st, err
		}
	}
	if len(f.jobs) == 0 && !a.Abort && !a.Begun[archive] {
		if st, more := p.begin(o, f); more {
			return st, nil
		}
	}
	switch {
	case f.group:
		return applier.Status{State: applier.Next, Mark: dropGroup, Free: true, Doubt: len(f.jobs) == 0}, nil
	case f.tier && !f.archived:
		mark := archive
		if f.unlisted { // so that people see it
			mark += fmt.Sprintf("; Domino does not list its jobs, and run %q may go on", o.title)
		}
		return applier.Status{State: applier.Next, Mark: mark, Free: true, Doubt: len(f.jobs) == 0}, nil
	case a.Abort:
		return applier.Status{State: applier.Undone, Certain: len(f.jobs) > 0}, nil
	}
	return p.verdict(ctx, o, f)
}

// starts is how many runs were begun.
func (o order) starts() (n int) {
	for n < mostStarts && o.Begun[start+fmt.Sprint(n+1)] {
		n++
	}
	return n
}

// begin is what comes before there is a run; false: there will be none.
func (p *Prober) begin(o order, f found) (st applier.Status, more bool) {
	n := o.starts() + 1
	switch {
	case n == 1 && !f.tier:
		return applier.Status{State: applier.Next, Mark: makeTier, Guard: planner.Name}, true
	case n == 1 && !f.group:
		return applier.Status{State: applier.Next, Mark: makeGroup, Guard: planner.Name}, true
	case n > mostStarts, !f.group, !f.tier, f.archived:
		return st, false
	}
	return applier.Status{State: applier.Next, Mark: start + fmt.Sprint(n), Doubt: n > 1, Free: true}, true
}

// running is of a run that has not ended: it waits, or is to be stopped.
func (p *Prober) running(ctx context.Context, o order, j port.Job) (st applier.Status, under bool, err error) {
	if j.Ended {
		return st, false, nil
	}
	took, told, err := p.pulled(ctx, j)
	mark := stop + j.ID
	if told { // so that people see it
		mark += " images after " + took.String()
	}
	waits := p.waits(j)
	switch {
	case err != nil:
		return st, false, err
	case told || o.Abort || waits > mostProbe:
		return applier.Status{State: applier.Next, Mark: mark, Free: true}, true, nil
	}
	return applier.Status{State: applier.Pending, Wait: 5 * time.Second, Why: fmt.Sprintf("run %q waits for its images since %s", o.title, waits.Truncate(time.Second))}, true, nil
}

// waits is for how long a run has been looked at. When it was submitted is told by Domino's
// clock, which may be an hour apart: a run would be stopped at once, or not in time.
func (p *Prober) waits(j port.Job) time.Duration {
	now := p.Now()
	first, _ := p.seen.LoadOrStore(j.ID, now)
	return now.Sub(first.(time.Time))
}

// pulled is how long a run waited; one that Domino does not know as a job yet is not told.
func (p *Prober) pulled(ctx context.Context, j port.Job) (took time.Duration, told bool, err error) {
	took, told, err = p.Domino.PullTime(ctx, j.ID)
	if errors.Is(err, port.ErrNotFound) {
		return 0, false, nil
	}
	return took, told, err
}

// verdict judges the longest figure of the runs that are over: a second one finds what
// the first has pulled.
func (p *Prober) verdict(ctx context.Context, o order, f found) (applier.Status, error) {
	failed := func(format string, args ...any) (applier.Status, error) {
		return applier.Status{State: applier.Failed, Why: fmt.Sprintf(format, args...) + fmt.Sprintf("; domctl apply --supersede %s tries again", o.Apply)}, nil
	}
	if len(f.jobs) == 0 {
		why := ""
		if said, is := p.heard.Load(o.Token); is {
			why = fmt.Sprintf(" (%v)", said)
		}
		return failed("DC393: Domino started no run %q%s, and the wave does not begin", o.title, why)
	}
	most, _ := o.Step.Args["most"].Float()
	limit := time.Duration(most) * time.Millisecond
	longest, heard := time.Duration(0), false
	for _, j := range f.jobs {
		took, told, err := p.pulled(ctx, j)
		if err != nil {
			return applier.Status{}, err
		}
		longest, heard = max(longest, took), heard || told
	}
	switch {
	case heard && longest > limit:
		return failed("DC392: run %q waited %s for its images, %s is allowed, and the wave does not begin", o.title, longest, limit)
	case heard:
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"pulled": schema.JSON(longest.Milliseconds())}}, nil
	}
	return failed("DC393: run %q is %s, and Domino told nothing of its images, so that the wave does not begin", o.title, planner.Printable(f.jobs[0].Status))
}

// Start makes the one write that the mark names.
func (p *Prober) Start(ctx context.Context, a applier.Attempt) error {
	o := orderOf(a)
	switch {
	case a.Mark == makeTier:
		d := o.copied("tier.")
		d["_id"], d[o.arg("name")] = schema.JSON(o.tier).Text, schema.JSON(o.title).Text
		return refusal(p.Documents.InsertOne(ctx, o.arg("tiers"), d))
	case a.Mark == makeGroup:
		d := o.copied("group.")
		d["_id"], d[o.arg("groupTier")], d[o.arg("groupImage")] = o.group, schema.JSON(o.tier).Text, o.Step.Args["image"].Text
		return refusal(p.Documents.InsertOne(ctx, o.arg("groups"), d))
	case a.Mark == dropGroup:
		_, err := p.Documents.DeleteOne(ctx, o.arg("groups"), port.Document{"_id": o.group})
		return refusal(err)
	case strings.HasPrefix(a.Mark, archive):
		_, err := p.Documents.UpdateOne(ctx, o.arg("tiers"), port.Document{"_id": schema.JSON(o.tier).Text}, port.Document{o.arg("archived"): "true"}, nil)
		return refusal(err)
	case strings.HasPrefix(a.Mark, stop):
		id, _, _ := strings.Cut(a.Mark[len(stop):], " ")
		if err := p.Domino.StopJob(ctx, o.arg("project"), id); !errors.Is(err, port.ErrState) { // it ended by itself
			return refusal(err)
		}
		return nil
	}
	_, err := p.Domino.StartJob(ctx, port.NewJob{Project: o.arg("project"), Command: command, Environment: o.arg("environment"), Tier: o.tier, Title: o.title})
	if err != nil && !errors.Is(err, port.ErrThrottled) {
		p.heard.Store(o.Token, err)
		return err // whatever it says, what was made is taken away again
	}
	return refusal(err)
}

// refusal marks the answers that say that nothing happened.
func refusal(err error) error {
	if refused, again := port.Refused(err); refused {
		return &applier.Refusal{Err: err, Retry: again}
	}
	return err
}
