package applier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// rig is an applier at its own seam: a store in memory, a clock that jumps, an
// outside that is a map, and an executor that does what a test says.
type rig struct {
	*applier.Applier
	t       *testing.T
	store   *state.InMemory
	mu      sync.Mutex
	now     time.Time
	slept   []time.Duration
	nonces  int
	outside map[planner.Ref]planner.Raw
	answers error // of Identify
	starts  []applier.Attempt
	observe func(applier.Attempt) applier.Status // nil: Next until it was started, then Finished
	start   func(applier.Attempt) error          // nil: the write lands
}

func newRig(t *testing.T) *rig {
	r := &rig{t: t, store: state.Memory(), now: time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC), outside: map[planner.Ref]planner.Raw{}}
	r.Applier = &applier.Applier{Store: r.store, World: r, Clock: r, Holder: "ada", Deployment: "acme", Lineage: "l", TTL: time.Minute, Parallelism: 1,
		Executor: func(string) (applier.Executor, bool) { return executor{r}, true },
		Nonce:    func() string { r.mu.Lock(); defer r.mu.Unlock(); r.nonces++; return fmt.Sprint(r.nonces) }}
	return r
}

func (r *rig) Now() time.Time { r.mu.Lock(); defer r.mu.Unlock(); return r.now }

func (r *rig) Sleep(ctx context.Context, d time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.now, r.slept = r.now.Add(d), append(r.slept, d)
	return ctx.Err()
}

func (r *rig) Identify(context.Context, planner.World) error { return r.answers }

func (r *rig) Read(_ context.Context, refs []planner.Ref) (map[planner.Ref]planner.Raw, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := map[planner.Ref]planner.Raw{}
	for _, ref := range refs {
		if _, waits := ref.Out(); waits {
			r.t.Errorf("%s is read", ref)
		}
		out[ref] = maps.Clone(r.outside[ref])
	}
	return out, nil
}

func (r *rig) Same(want, got schema.Value) bool { return want == got }

func (r *rig) Shown(_ planner.Ref, _ string, stands schema.Value) schema.Value { return stands }

func (r *rig) Digest(context.Context, schema.Value) (schema.Value, error) {
	return schema.Value{}, errors.New("no step here writes a secret")
}

type executor struct{ r *rig }

func (e executor) Observe(_ context.Context, a applier.Attempt) (applier.Status, error) {
	if e.r.observe != nil {
		return e.r.observe(a), nil
	}
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	switch done, before := a.Step.Stands(e.r.outside[a.Step.Object], e.r.Same); {
	case done:
		return applier.Status{State: applier.Finished}, nil
	case before && a.Abort:
		return applier.Status{State: applier.Undone}, nil
	}
	return applier.Status{}, nil
}

func (e executor) Start(_ context.Context, a applier.Attempt) error {
	e.r.mu.Lock()
	e.r.starts = append(e.r.starts, a)
	e.r.mu.Unlock()
	if e.r.start != nil {
		return e.r.start(a)
	}
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	e.r.outside[a.Step.Object] = e.r.outside[a.Step.Object].With(a.Step.Writes)
	return nil
}

// lowering is a View of steps by address.
type lowering map[schema.Address]planner.Step

func (l lowering) Same(want, got schema.Value) bool { return want == got }

func (l lowering) Lower(c planner.Change) (planner.Lowered, error) {
	return planner.Lowered{Steps: []planner.Step{l[c.Address]}, ID: schema.JSON(c.Address.Name)}, nil
}

// plan sets v of one object a step from 1 to 2; each step is changed as a test
// wants it. Steps are called "a", "b".
func (r *rig) plan(steps ...func(*planner.Step)) planner.Plan {
	in := planner.Input{ID: "plan-1", Lineage: "l", View: lowering{}, Live: schema.Live{Objects: map[schema.Address]schema.Observed{}},
		Desired: schema.Desired{Deployment: schema.Deployment{Name: "acme"}, Objects: map[schema.Address]schema.Object{}}}
	for i, change := range steps {
		name := string(rune('a' + i))
		a, object := schema.Address{Kind: "hardwareTiers", Name: name}, planner.Ref("flat/o#"+name)
		r.outside[object] = planner.Raw{"v": schema.JSON(1)}
		s := planner.Step{ID: name, Address: a, Op: "flat.set", Object: object, Guard: planner.Conditional, Window: 30,
			Writes: map[string]schema.Value{"v": schema.JSON(2)}, Expects: []planner.Expect{{Ref: object, Path: "v", Value: schema.JSON(1)}}}
		change(&s)
		in.View.(lowering)[a] = s
		in.Desired.Objects[a] = schema.Object{Fields: map[string]schema.Value{"cores": schema.JSON(2)}}
	}
	d, err := planner.Make(in)
	if err != nil {
		r.t.Fatal(err)
	}
	return d.Plan(func(schema.Address) *planner.Impact { return nil }).Sealed()
}

func plain(*planner.Step)      {}
func absolute(s *planner.Step) { s.Guard = planner.Absolute }

// ends checks how an apply ended, what it says, and which writes were made.
func (r *rig) ends(res applier.Result, err error, outcome applier.Outcome, why string, starts ...string) {
	r.t.Helper()
	var made []string
	for _, a := range r.starts {
		made = append(made, strings.TrimSpace(a.Step.ID+" "+a.Mark))
	}
	if err != nil || res.Outcome != outcome || !strings.Contains(strings.Join(res.Why, "\n"), why) {
		r.t.Errorf("%v, %+v; want it %s: %q", err, res, outcome, why)
	}
	if !slices.Equal(made, starts) {
		r.t.Errorf("wrote %v, want %v", made, starts)
	}
}

// records of one kind.
func (r *rig) records(kind applier.RecordKind) (out []applier.Record) {
	s, err := r.Summary(r.t.Context(), "plan-1")
	if err != nil {
		r.t.Fatal(err)
	}
	for _, rec := range s.Records {
		if rec.Kind == kind {
			out = append(out, rec)
		}
	}
	return out
}
