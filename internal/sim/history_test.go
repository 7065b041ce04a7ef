package sim

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// world is a fixture: a sandbox, and files before and after a change.
type world struct {
	before, after compiler.Result
	content       []byte
}

// bubble is the time of a synctest bubble.
type bubble struct{}

func (bubble) Now() time.Time { return time.Now() }

func (bubble) Sleep(ctx context.Context, d time.Duration) error { return port.Sleep(ctx, d) }

// history is one run of a scenario.
type history struct {
	*Machine
	scenario
	files   compiler.Result
	origin  string // the world at first
	start   string // with the former files applied
	applied string // what was applied by then
	sched   *scheduler
	records recordCache
	edited  []string

	mu         sync.Mutex
	violations []error
	printed    bytes.Buffer
}

func (h *history) violate(property int, format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.violations = append(h.violations, fmt.Errorf("property %d: %s", property, fmt.Sprintf(format, args...)))
}

// play runs a scenario within a bubble.
func play(s scenario, w world, secrets map[string]string) (*history, error) {
	ctx := context.Background()
	m, err := NewMachine(w.content, bubble{})
	if err != nil {
		return nil, err
	}
	m.Secrets = secrets
	h := &history{Machine: m, scenario: s, files: w.after, records: recordCache{}}
	h.files.Desired.Objects = s.desired(w.after.Desired.Objects)
	if err := h.applyBefore(ctx, w.before); err != nil {
		return h, err
	}
	h.origin, h.start, h.applied = string(w.content), h.content(), h.entries(ctx)
	h.storm(ctx)
	time.Sleep(time.Minute) // what is late lands
	h.calm(ctx)
	h.check(ctx)
	return h, errors.Join(h.violations...)
}

// desired are the objects that a scenario keeps, without those that refer to
// one that it does not.
func (s scenario) desired(all map[schema.Address]schema.Object) map[schema.Address]schema.Object {
	out := map[schema.Address]schema.Object{}
	for _, a := range s.objects {
		dangling := false
		for _, v := range all[a].Fields {
			target, _, refers := v.Target()
			dangling = dangling || refers && !slices.Contains(s.objects, target)
		}
		if !dangling {
			out[a] = all[a]
		}
	}
	for a, o := range out { // what it refers to may be gone by now
		for _, v := range o.Fields {
			if target, _, refers := v.Target(); refers && len(out[target].Fields) == 0 {
				delete(out, a)
			}
		}
	}
	return out
}

func (h *history) applyBefore(ctx context.Context, files compiler.Result) error {
	e, err := h.Process(ctx, files, Options{Holder: "before"})
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, engine.PlanOptions{})
	if err == nil {
		_, err = e.Apply(ctx, p)
	}
	h.Effects = nil
	return err
}

// storm lets all lives happen.
func (h *history) storm(ctx context.Context) {
	h.sched = newScheduler(h.scenario, func(kind string) { h.byHand(ctx, kind) })
	lives := map[int][]int{}
	for i, l := range h.lives {
		lives[l.holder] = append(lives[l.holder], i)
		h.sched.lives[i] = &process{}
	}
	var holders sync.WaitGroup
	for _, all := range lives {
		holders.Go(func() {
			for _, i := range all {
				time.Sleep(h.lives[i].after)
				h.live(ctx, i)
			}
		})
	}
	done := make(chan struct{})
	go func() { holders.Wait(); close(done) }()
	h.sched.run(done)
	synctest.Wait()
}

// live is one process from its start to its end.
func (h *history) live(ctx context.Context, i int) {
	if h.lives[i].act == "rest" {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := h.sched.lives[i]
	p.interrupt = cancel
	lag := func(string) int {
		if time.Now().After(p.lagUntil) {
			return 0
		}
		return h.writtenSince(time.Now().Add(-15 * time.Second))
	}
	files := h.files
	if h.lives[i].act == "rename" {
		files = h.renamed()
	}
	e, err := h.Process(ctx, files, Options{Holder: fmt.Sprintf("h%d.%d", h.lives[i].holder, i), Gate: h.sched.gate(i),
		Outside: sandbox.Options{Lag: lag}, Report: h.report})
	if err == nil {
		h.watch(e)
		err = h.act(ctx, e, h.lives[i].act)
	}
	if err != nil {
		h.print("life %d: %v", i, err)
	}
}

// writtenSince counts the latest writes, which a read that lags does not see.
func (h *history) writtenSince(t time.Time) (n int) {
	h.Machine.mu.Lock()
	defer h.Machine.mu.Unlock()
	for _, e := range h.Effects {
		if e.At.After(t) {
			n++
		}
	}
	return n
}

func (h *history) print(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	fmt.Fprintf(&h.printed, format+"\n", args...)
}

func (h *history) report(e applier.Event) { h.print("%s", schema.JSON(e).Text) }

func (h *history) show(p planner.Plan) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_ = p.Text(&h.printed, planner.Style{})
	_ = p.Markdown(&h.printed)
	h.printed.Write(planner.Encode(p))
}

func (h *history) act(ctx context.Context, e *engine.Engine, act string) error {
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil {
		return err
	}
	var res applier.Result
	switch {
	case strings.HasPrefix(act, "rollback"):
		return h.takeBack(ctx, e, act)
	case act == "foreign":
		return h.foreign(ctx, e)
	case act == "lose":
		return h.lose(ctx)
	case act == "break":
		if _, err := e.Applier.BreakLock(ctx); err != nil {
			return err
		}
		fallthrough
	case act == "resume" && len(open) > 0:
		if len(open) == 0 {
			return h.apply(ctx, e, engine.PlanOptions{Allow: []string{"archive"}})
		}
		res, err = e.Applier.Resume(ctx, open[len(open)-1])
	case act == "supersede" && len(open) > 0:
		if _, err := e.Applier.Supersede(ctx, open[0]); err != nil {
			return err
		}
		fallthrough
	default:
		return h.apply(ctx, e, engine.PlanOptions{Allow: []string{"archive"}})
	}
	h.print("%s %v", res.Outcome, res.Why)
	return err
}

func (h *history) apply(ctx context.Context, e *engine.Engine, o engine.PlanOptions) error {
	was := h.content()
	applied, _, err := applier.ReadApplied(ctx, h.Store, h.files.Desired.Deployment.Name)
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, o)
	if err != nil {
		return err
	}
	h.show(p)
	h.presence(p, applied, was)
	return h.carryOut(ctx, e, p)
}

// rollback takes one apply back, and answers which.
func (h *history) rollback(ctx context.Context, e *engine.Engine, o engine.RollbackOptions) (string, error) {
	ids, err := e.Rollbacks(ctx, o)
	if err != nil {
		return "", err
	}
	p, err := e.Rollback(ctx, ids[0], o)
	if err != nil {
		return "", err
	}
	h.show(p)
	return ids[0], h.carryOut(ctx, e, p)
}

func (h *history) carryOut(ctx context.Context, e *engine.Engine, p planner.Plan) error {
	res, err := e.Apply(ctx, p)
	if err == nil && res.Outcome != applier.EndedOutcome {
		err = fmt.Errorf("apply %s %s: %s", p.ID, res.Outcome, strings.Join(res.Why, "; "))
	}
	return err
}

// presence is property 4: what is made, or let go of because it is gone, was
// absent at some moment of the read.
func (h *history) presence(p planner.Plan, applied schema.Applied, was string) {
	now := h.content()
	there := func(id schema.Value) bool {
		mark := `"_id": ` + id.Text
		return id.Is == schema.Known && strings.Contains(was, mark) && strings.Contains(now, mark)
	}
	for _, s := range p.Steps {
		if s.Op == "mongo.insert" && there(s.Writes["_id"]) {
			h.violate(4, "plan %s makes %s, which is there", p.ID, s.Object)
		}
	}
	for _, c := range p.Changes {
		if strings.Contains(c.Reason, "not there any more") && there(applied.Entries[c.Address].ID) {
			h.violate(4, "plan %s lets go of %s, which is there", p.ID, c.Address)
		}
	}
}

func (h *history) byHand(ctx context.Context, kind string) {
	was := h.content()
	if err := editBy(ctx, h.Machine, h.world, kind); err != nil {
		h.violate(0, "edit %s: %v", kind, err)
	}
	if h.content() != was && !slices.Contains(h.edited, kind) {
		h.edited = append(h.edited, kind)
	}
}
