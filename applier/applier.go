// Package applier applies plans in segments and is the only writer of records:
// the lock, one stream of records an apply, the reservations of open applies,
// and *applied*. It refuses a plan that is not as it was made, that ran before,
// or whose touched objects moved. internal/engine calls it.
//
// Every outside write is announced by a durable begin. After a crash the
// executor of the step decides from the outside alone what became of it.
package applier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// World re-reads the outside for the applier.
type World interface {
	// Identify compares who answers with who the plan was made against.
	Identify(context.Context, planner.World) error
	// Read answers every ref that was asked for, an absent object as nil; a
	// failed read is an error. With an Unread it answers the rest.
	Read(context.Context, []planner.Ref) (map[planner.Ref]planner.Raw, error)
	// Same compares a wanted value, digests included, with what stands.
	Same(want, got schema.Value) bool
	// Shown is a value that stands at a path of an object, as a message may hold it:
	// the digest of one that may be a secret.
	Shown(ref planner.Ref, path string, stands schema.Value) schema.Value
	// Digest is the keyed digest of a secret reference, resolved at this moment.
	Digest(context.Context, schema.Value) (schema.Value, error)
}

// Clock is the time; Sleep answers the context's error when that ends first.
type Clock interface {
	Now() time.Time
	Sleep(context.Context, time.Duration) error
}

// Event is one thing worth showing while an apply runs. One of KindWaiting says
// in Why what is waited for, of a step or of the apply as a whole; it holds until
// the next event of the same step.
type Event struct {
	Kind    RecordKind
	Step    planner.Step
	Mark    string
	Says    string // of KindBegin: what the write does, in words; "": Mark says it
	Why     string
	At      time.Time
	Elapsed time.Duration // since the step's turn began
	Most    time.Duration // of KindWaiting: how much longer at most; 0: not known
}

// Applier is made for one deployment and one process. All fields but
// Wall, Most, Yield, Report and Alive are required.
type Applier struct {
	Store       Store
	World       World
	Clock       Clock // the outside's time, which records and gates go by
	Wall        Clock // what leases go by, as calls do; nil: Clock
	Executor    func(op string) (Executor, bool)
	Nonce       func() string
	Salt        func() string // of an apply's tokens, which nobody can know beforehand; nil: Nonce
	Holder      string        // who and where: "ada@host pid 4711"
	Deployment  string        // whose records the store holds
	Lineage     string        // which store it is: a plan made against another is refused
	TTL         time.Duration
	Parallelism int
	// Most says how many steps of an operation may be under way side by side, counted with
	// those of the same room; nil, or 0: as many as there are.
	Most func(op string) (room string, most int)
	// Yield takes back what is under way and Yielding when a person asks to stop.
	Yield bool
	// Open answers whether a gate lets its step through; the approvals are those of
	// the gate, each by another person. It is called under the lock, and asks nothing
	// outside.
	Open func(planner.Plan, planner.Gate, []Approval) Passage
	// Latest says whether the history is still what a rollback was planned by. It is
	// called under the lock, before the plan is consumed; nil: always.
	Latest func(context.Context, planner.Plan) error
	// Report is told every event; those of steps that run side by side one at a
	// time.
	Report func(Event)
	// Alive says whether a holder still runs, when that can be known: a dead
	// holder on this machine need not be waited for.
	Alive func(holder string) (alive, known bool)

	seen seen
}

// Deadline bounds every single call of the outside and of the store, where a
// third of the TTL is not less.
const Deadline = 30 * time.Second

// wall is the time in which calls answer, and holders of a lock show that they are alive.
func (a *Applier) wall() Clock {
	if a.Wall != nil {
		return a.Wall
	}
	return a.Clock
}

func (a *Applier) deadline() time.Duration { return min(Deadline, a.TTL/3) }

// Outcome is how a segment ended.
type Outcome string

// The outcomes. Refused: nothing was written. Paused: go on with Resume.
const (
	EndedOutcome   Outcome = "ended"
	PausedOutcome  Outcome = "paused"
	FailedOutcome  Outcome = "failed"
	RefusedOutcome Outcome = "refused"
)

// Result says how an apply stands.
type Result struct {
	ID      string
	Outcome Outcome
	Why     []string
	Done    int // steps done, of all segments
	Left    int // steps not done
}

// ErrReplayed is answered for a plan that was applied before.
var ErrReplayed = errors.New("DC303: this plan was applied before")

// Apply runs a plan. Its id is the apply's: record 0 can be written once.
func (a *Applier) Apply(ctx context.Context, p planner.Plan) (Result, error) {
	if err := p.Verify(); err != nil {
		return Result{}, err
	}
	if err := a.knows(p); err != nil {
		return Result{}, err
	}
	return a.run(ctx, p.ID, &p, forward, "")
}

// knows refuses a plan that was made against another state store: what it took
// for applied, and its digests of secrets, are not those of this one.
func (a *Applier) knows(p planner.Plan) error {
	if p.Lineage != a.Lineage {
		return errors.New("DC309: the plan was made against another state store than this deployment's; plan again")
	}
	return nil
}

// Resume goes on with an apply that was interrupted, waited or failed.
func (a *Applier) Resume(ctx context.Context, id string) (Result, error) {
	return a.run(ctx, id, nil, forward, "")
}

// Settle decides every begun step, makes clean-up writes only, and ends the
// apply: what a rollback needs first.
func (a *Applier) Settle(ctx context.Context, id string) (Result, error) {
	return a.run(ctx, id, nil, settling, "")
}

// Supersede abandons an open apply for another one: it is settled, ends, and
// reserves nothing any longer, also when a step of it cannot be decided. What it
// did stays; it can be rolled back where every step is decided.
func (a *Applier) Supersede(ctx context.Context, id string) (Result, error) {
	open, err := a.OpenApplies(ctx)
	if err != nil {
		return Result{ID: id}, err
	}
	if !slices.Contains(open, id) {
		return Result{ID: id}, fmt.Errorf("DC307: apply %s is not open: there is nothing to supersede; see domctl history", id)
	}
	return a.run(ctx, id, nil, superseding, "")
}

// mode is what a segment is for.
type mode int

const (
	forward      mode = iota
	settling          // decide what was begun, and end
	superseding       // the same, and end also what cannot be decided
	interrupting      // take back what yields, and stay open
)

func (a *Applier) run(ctx context.Context, id string, p *planner.Plan, m mode, approver string) (Result, error) {
	failed := failures{stopped: map[string]bool{}}
	for ; ; p, approver = nil, "" {
		r := &run{Applier: a, mode: m, approver: approver, waiting: map[string]Attempt{}, failures: failed}
		res, err := r.locked(ctx, id, p)
		switch {
		case err == nil && ctx.Err() != nil:
			return r.interrupted(ctx, res)
		case err != nil || len(r.waiting) == 0:
			return res, err
		}
		if failed = r.failures; res.Outcome == PausedOutcome {
			failed.why = nil // it said what it waits for
		}
		r.poll(ctx)
		if ctx.Err() != nil { // the records say that it waits
			for i, why := range res.Why {
				if rest, waits := strings.CutPrefix(why, "waiting"); waits {
					res.Why[i] = "interrupted" + rest
				}
			}
			return r.interrupted(ctx, res)
		}
	}
}

// locked takes the lock, records a new plan, runs one segment, records how it
// ended, and releases.
func (r *run) locked(ctx context.Context, id string, p *planner.Plan) (res Result, err error) {
	if r.lease, err = r.take(ctx, id); err != nil {
		return Result{ID: id}, err
	}
	defer func() {
		if free := r.lease.release(context.WithoutCancel(ctx)); !errors.Is(err, ErrFenced) { // which is the same news
			err = errors.Join(err, free)
		}
	}()
	if p != nil {
		if _, err := r.thawed(ctx, p); err != nil {
			return Result{ID: id}, err
		}
		if err := r.record0(ctx, p); err != nil {
			return Result{ID: id}, err
		}
	}
	if r.j, err = r.load(ctx, id); err != nil {
		return Result{ID: id}, err
	}
	if r.j.plan == nil {
		return Result{ID: id}, fmt.Errorf("DC312: apply %s was fenced before it began; plan again", id)
	}
	if err := r.j.plan.Intact(); err != nil {
		return Result{ID: id}, fmt.Errorf("DC315: records of apply %s: the plan in record 0 is not as it was made; restore it from the store's versions", id)
	}
	if r.mode == forward {
		if err := r.knows(*r.j.plan); err != nil {
			return Result{ID: id}, err
		}
	}
	if p == nil && r.j.over() == "" {
		if why, err := r.thawed(ctx, nil); err != nil || why != "" {
			return r.waits(why), err
		}
	}
	return r.segment(ctx)
}

// record0 consumes the plan, only when nothing reserves its addresses, *applied*
// can be read, who answers is who it was made against, and every secret that it
// writes can be had: what is refused before can be applied again.
func (r *run) record0(ctx context.Context, p *planner.Plan) error {
	if err := r.unreserved(ctx, p); err != nil {
		return err
	}
	if r.Latest != nil && p.Restores != "" {
		if err := r.Latest(ctx, *p); err != nil {
			return fmt.Errorf("%w; nothing was written", err)
		}
	}
	if err := r.identify(ctx, p.World); err != nil {
		return fmt.Errorf("%w; nothing was written, and the plan can still be applied", err)
	}
	if err := r.resolvable(ctx, p); err != nil {
		return err
	}
	place, err := r.place(ctx)
	if err != nil {
		return err
	}
	err = r.stream(p.ID).append(ctx, Record{Kind: KindPlan, Place: place, Plan: p, Salt: r.salt()})
	if errors.Is(err, ErrFenced) {
		on := "it has ended"
		if open, err := r.OpenApplies(ctx); err != nil || slices.Contains(open, p.ID) {
			on = "domctl apply --resume " + p.ID + " goes on with it"
		}
		return fmt.Errorf("%w; %s, domctl plan makes a new one", ErrReplayed, on)
	}
	if err == nil {
		r.report(Event{Kind: KindPlan})
	}
	return err
}

// poll waits, without the lock, until a pending step has something new to say, or
// a gate opens, or the deployment is frozen. A look that fails is new: the next segment
// looks again, and records it.
func (r *run) poll(ctx context.Context) {
	for {
		if why, err := r.thawed(ctx, nil); err == nil && why != "" {
			return // the next segment says so
		}
		wait := time.Hour
		for _, id := range schema.Sorted(r.waiting) {
			at := r.waiting[id]
			ex, _ := r.Executor(at.Step.Op)
			st, err := r.observe(ctx, ex, at)
			if err != nil || st.State != Pending {
				return
			}
			r.report(Event{Kind: KindWaiting, Step: at.Step, Why: cmp.Or(st.Why, "the outside is at it")})
			wait = min(wait, max(st.Wait, time.Second))
		}
		if !r.held.opens.IsZero() {
			wait = min(wait, r.held.opens.Sub(r.Clock.Now()))
		}
		if wait <= 0 || r.Clock.Sleep(ctx, wait) != nil {
			return
		}
	}
}

// observe bounds one look in time; it is finished even when a person asks to stop.
func (a *Applier) observe(ctx context.Context, ex Executor, at Attempt) (Status, error) {
	ctx, cancel := a.call(ctx)
	defer cancel()
	return ex.Observe(ctx, at)
}

// call is the context of one outside call: it has a deadline, and is finished
// even when a person asks to stop.
func (a *Applier) call(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), a.deadline())
}
