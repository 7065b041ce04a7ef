package applier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// run is one segment: what happens between taking the lock and releasing it.
type run struct {
	*Applier
	lease   *lease
	j       *journal
	mode    mode
	mu      sync.Mutex
	why     []string
	tried   map[string]bool    // steps that had their turn in this segment
	waiting map[string]Attempt // pending steps, polled without the lock
	again   bool               // a step failed that may be decided by looking again
	known   bool               // who answers is who the plan was made against
}

// segment reserves, compares, records what stands, runs the steps, and records
// how it ended.
func (r *run) segment(ctx context.Context) (Result, error) {
	if over := r.j.over(); over != "" {
		return r.result(over), r.unreserve(ctx)
	}
	outcome, err := r.work(ctx)
	if err != nil {
		return r.result(FailedOutcome), err
	}
	if err := r.j.append(ctx, Record{Kind: RecordKind(outcome), Why: joinWhy(r.why)}); err != nil {
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
	if err != nil {
		return r.stop(err)
	}
	if r.mode == forward {
		if r.why = r.moved(raw); len(r.why) == 0 {
			err = r.preimages(ctx, raw)
		}
		switch {
		case err != nil:
			return "", err
		case len(r.why) > 0 && r.j.has(KindBegin, ""):
			return FailedOutcome, nil
		case len(r.why) > 0:
			return RefusedOutcome, nil
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
	r.why = []string{err.Error()}
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
	case left > 0 && ctx.Err() != nil:
		r.why = []string{"interrupted with " + planner.Plural(left, "step") + " left"}
		return PausedOutcome
	case left > 0 && (r.mode == forward || len(r.waiting) > 0):
		r.why = []string{"waiting with " + planner.Plural(left, "step") + " left"}
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

// refs are all objects that the plan writes or rests on and that exist by name
// before it runs.
func (r *run) refs() (refs []planner.Ref) {
	for _, s := range r.j.plan.Steps {
		s = r.j.resolve(s)
		refs = append(refs, s.Object)
		for _, e := range s.Expects {
			refs = append(refs, e.Ref)
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
// go by.
func (r *run) preimages(ctx context.Context, raw map[planner.Ref]planner.Raw) error {
	if r.j.has(KindPre, "") {
		return nil
	}
	applied, _, err := ReadApplied(ctx, r.store(), r.Deployment)
	if err != nil {
		return err
	}
	if r.why = r.outdated(applied); len(r.why) > 0 {
		return nil
	}
	rec := Record{Kind: KindPre, Pre: map[planner.Ref]planner.Raw{}, Former: map[schema.Address]*schema.Entry{}, Latches: map[schema.Address]string{}}
	for _, s := range r.j.plan.Steps {
		rec.Pre[s.Object] = raw[s.Object]
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
	return r.j.append(ctx, rec)
}

// steps runs what is ready, wave by wave; a step that fails stops its
// dependents, its siblings finish.
func (r *run) steps(ctx context.Context) error {
	for ready := r.ready(ctx); len(ready) > 0; ready = r.ready(ctx) {
		var wg sync.WaitGroup
		slots := make(chan struct{}, max(r.Parallelism, 1))
		for _, s := range ready {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				if err := r.step(ctx, s); err != nil {
					r.fail(s, err)
				}
			})
		}
		wg.Wait()
		if err := r.j.broken(); err != nil {
			return err
		}
	}
	return nil
}

func (r *run) fail(s planner.Step, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.again = r.again || !errors.As(err, &undecidable{})
	r.why = append(r.why, fmt.Sprintf("%s: %v", s.ID, err))
	r.reportLocked(Event{Kind: KindFailed, Step: s, Why: err.Error()})
}

// ready are the steps whose turn has come. Settling looks only at what was
// begun and is undecided.
func (r *run) ready(ctx context.Context) (out []planner.Step) {
	for _, s := range r.j.plan.Steps {
		if ctx.Err() == nil && !r.tried[s.ID] && !r.j.done(s.ID) && r.turn(s) {
			r.tried[s.ID] = true
			out = append(out, s)
		}
	}
	return out
}

func (r *run) turn(s planner.Step) bool {
	for _, id := range s.After {
		if !r.j.done(id) {
			return false
		}
	}
	if r.mode != forward {
		return r.j.undecided(s.ID)
	}
	for _, g := range s.Gates {
		if r.Open == nil || !r.Open(*r.j.plan, g) {
			return false
		}
	}
	return true
}

func (a *Applier) report(e Event) {
	if a.Report != nil {
		e.At = a.Clock.Now()
		a.Report(e)
	}
}

func (r *run) reportLocked(e Event) { r.Applier.report(e) }

func (r *run) tell(e Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Applier.report(e)
}

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }
