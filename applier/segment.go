package applier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// run is one segment: what happens between taking the lock and releasing it.
type run struct {
	*Applier
	lease    *lease
	j        *journal
	mode     mode
	approver string // who approves what waits, before anything is done
	mu       sync.Mutex
	waiting  map[string]Attempt // pending steps, polled without the lock
	failures                    // of this segment and of those before it
	known    bool               // who answers is who the plan was made against
	held     held
}

// failures are what went wrong since a person asked. While other steps wait for the
// outside, the apply goes on with those.
type failures struct {
	why     []string
	stopped map[string]bool // those that failed, which are not tried again
	again   bool            // one of them may be decided by looking again
}

// segment reserves, compares, records what stands, runs the steps, and records
// how it ended.
func (r *run) segment(ctx context.Context) (Result, error) {
	if over := r.j.over(); over != "" {
		if r.approver != "" {
			return r.result(over), r.unasked()
		}
		res := r.result(over)
		if over == EndedOutcome && res.Left > 0 { // which goes forward by itself only to the end
			res.Why = append(res.Why, fmt.Sprintf("DC313: apply %s was ended by %s with %s left", r.j.id, r.j.ender(), planner.Plural(res.Left, "step")))
		}
		return res, r.unreserve(ctx)
	}
	outcome, err := r.work(ctx)
	if err != nil {
		return r.result(FailedOutcome), err
	}
	if err := r.j.append(ctx, Record{Kind: RecordKind(outcome), Why: joinWhy(r.why), Failed: schema.Sorted(r.stopped)}); err != nil {
		return r.result(FailedOutcome), err
	}
	if outcome == EndedOutcome || outcome == RefusedOutcome {
		err = r.unreserve(ctx)
	}
	return r.result(outcome), err
}

func (r *run) result(o Outcome) Result {
	res := Result{ID: r.j.id, Outcome: o, Why: r.why}
	for _, s := range r.j.plan.Steps {
		if r.j.done(s.ID) {
			res.Done++
		} else {
			res.Left++
		}
	}
	return res
}

func joinWhy(why []string) string {
	if len(why) == 0 {
		return ""
	}
	if len(why) == 1 {
		return why[0]
	}
	return fmt.Sprintf("%s (and %d more)", why[0], len(why)-1)
}

func (r *run) work(ctx context.Context) (Outcome, error) {
	if err := r.reserve(ctx); err != nil {
		return "", err
	}
	r.report(Event{Kind: KindWaiting, Why: "comparing what lives with what the plan saw"})
	if !r.known {
		if err := r.identify(ctx, r.j.plan.World); err != nil {
			return r.stop(err)
		}
	}
	raw, err := r.read(ctx, r.refs())
	if err = r.spared(err); err != nil {
		return r.stop(err)
	}
	if r.mode == forward {
		moved := r.moved(raw)
		if len(moved) == 0 {
			moved, err = r.preimages(ctx, raw)
		}
		r.why = append(r.why, moved...)
		switch {
		case err != nil:
			return "", err
		case len(moved) > 0 && r.j.has(KindBegin, ""):
			return FailedOutcome, nil
		case len(moved) > 0:
			return RefusedOutcome, nil
		}
	}
	if r.approver != "" {
		if err := r.approve(ctx); err != nil {
			return "", err
		}
	}
	if err := r.steps(ctx); err != nil {
		return "", err
	}
	if err := r.settleApplied(context.WithoutCancel(ctx)); err != nil {
		return "", err
	}
	return r.outcome(ctx), nil
}

// stop ends a segment that could not begin: nothing was written, the apply
// stays open and can be resumed.
func (r *run) stop(err error) (Outcome, error) {
	r.why = append(r.why, err.Error())
	return FailedOutcome, nil
}

func (r *run) outcome(ctx context.Context) Outcome {
	left := 0
	for _, s := range r.j.plan.Steps {
		if !r.j.done(s.ID) {
			left++
		}
	}
	switch {
	case r.mode == superseding && ctx.Err() == nil && len(r.waiting) == 0 && !r.again:
		return EndedOutcome
	case len(r.why) > 0:
		return FailedOutcome
	case left > 0 && (ctx.Err() != nil || r.mode == interrupting):
		r.why = []string{"interrupted with " + planner.Plural(left, "step") + " left" + r.tookBack()}
		return PausedOutcome
	case left > 0 && (r.mode == forward || len(r.waiting) > 0):
		r.why = []string{"waiting with " + planner.Plural(left, "step") + " left"}
		if len(r.held.why) > 0 {
			r.why[0] += ": " + strings.Join(r.held.why, "; ")
		}
		return PausedOutcome
	}
	return EndedOutcome
}

func (r *run) identify(ctx context.Context, w planner.World) error {
	ctx, cancel := r.call(ctx)
	defer cancel()
	err := r.World.Identify(ctx, w)
	r.known = err == nil
	return err
}

// refs are all objects that the plan writes or rests on, without those that a
// step has yet to make.
func (r *run) refs() (refs []planner.Ref) {
	add := func(ref planner.Ref) {
		if _, waits := ref.Out(); !waits {
			refs = append(refs, ref)
		}
	}
	for _, s := range r.j.plan.Steps {
		s = r.j.resolve(s)
		add(s.Object)
		for _, e := range s.Expects {
			add(e.Ref)
		}
	}
	slices.Sort(refs)
	return slices.Compact(refs)
}

func (r *run) read(ctx context.Context, refs []planner.Ref) (map[planner.Ref]planner.Raw, error) {
	ctx, cancel := r.call(ctx)
	defer cancel()
	return r.World.Read(ctx, refs)
}

// preimages records, once an apply, what each step's object holds, whole, and
// the former entries and latches of *applied*; or says why the plan has none to
// go by. What the plan itself makes is recorded at the turn of the first step
// that writes it, see preimage.
func (r *run) preimages(ctx context.Context, raw map[planner.Ref]planner.Raw) (why []string, err error) {
	if r.j.has(KindPre, "") {
		return nil, nil
	}
	applied, _, err := ReadApplied(ctx, r.store(), r.Deployment)
	if err != nil {
		return nil, err
	}
	if why := r.outdated(applied); len(why) > 0 {
		return why, nil
	}
	rec := Record{Kind: KindPre, Pre: map[planner.Ref]planner.Raw{}, Former: map[schema.Address]*schema.Entry{}, Latches: map[schema.Address]string{}}
	for _, s := range r.j.plan.Steps {
		if was, read := raw[s.Object]; read {
			rec.Pre[s.Object] = was
		}
	}
	for a := range r.j.plan.Settle {
		rec.Former[a] = nil
		if e, ok := applied.Entries[a]; ok {
			rec.Former[a] = &e
		}
		if l := applied.Latches[a]; l != "" {
			rec.Latches[a] = l
		}
	}
	return nil, r.j.append(ctx, rec)
}

// steps runs each step as soon as those before it are done; one that fails
// stops its dependents, the others go on.
func (r *run) steps(ctx context.Context) error {
	q, room := r.queue(), r.room()
	ended := make(chan int)
	for running := 0; ; running-- {
		for running < max(r.Parallelism, 1) && ctx.Err() == nil && r.j.broken() == nil {
			i, ok := q.next()
			if !ok {
				break
			}
			switch s := r.j.plan.Steps[i]; {
			case !r.turn(s):
			case !room.take(s):
				q.hold(i)
			default:
				running++
				go func() {
					if err := r.step(ctx, s); err != nil {
						r.fail(s, err)
					}
					ended <- i
				}()
			}
		}
		if running == 0 {
			return r.j.broken()
		}
		i := <-ended
		s := r.j.plan.Steps[i]
		if r.j.done(s.ID) {
			q.done(i)
		}
		if !r.pends(s.ID) {
			room.leave(s)
			q.release()
		}
	}
}

// pends says that a step is under way outside.
func (r *run) pends(step string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, is := r.waiting[step]
	return is
}

func (r *run) fail(s planner.Step, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped[s.ID] = true
	r.again = r.again || !errors.As(err, &undecidable{})
	r.why = append(r.why, fmt.Sprintf("%s: %v", s.ID, err))
	r.report(Event{Kind: KindFailed, Step: r.j.resolve(s), Why: err.Error()})
}

// turn says whether a step whose time has come is to be run. Settling looks only
// at what was begun and is undecided.
func (r *run) turn(s planner.Step) bool {
	if r.hasStopped(s.ID) {
		return false
	}
	switch r.mode {
	case forward:
		return r.passes(s)
	case interrupting:
		return r.j.undecided(s.ID) && r.yields(s)
	}
	return r.j.undecided(s.ID)
}

func (r *run) hasStopped(step string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped[step]
}

func (a *Applier) report(e Event) {
	if a.Report != nil {
		e.At = a.Clock.Now()
		a.Report(e)
	}
}

func (r *run) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Applier.report(e)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
