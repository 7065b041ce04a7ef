package applier_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// making is a long operation, as a bake is: a machine that takes its time, an
// image of it, which takes its time too, and the end of the machine.
type making struct {
	*rig
	machines map[string]time.Time // by token: when it runs; zero when it has ended
	pending  map[planner.Ref]time.Time
	did      []string
}

const imagePrefix = "flat/o#image-"

func (m *making) image(a applier.Attempt) planner.Ref { return planner.Ref(imagePrefix + a.Token[:4]) }

func (m *making) Observe(_ context.Context, a applier.Attempt) (applier.Status, error) {
	image := m.image(a)
	runs, launched := m.machines[a.Token]
	made := m.outside[image] != nil
	next := func(mark string, guard planner.Guard) (applier.Status, error) {
		return applier.Status{Mark: mark, Guard: guard}, nil
	}
	switch {
	case a.Abort && made:
		return next("deregister", planner.Absolute)
	case a.Abort && launched && !runs.IsZero(), made && !m.Now().Before(m.pending[image]) && !runs.IsZero():
		return next("terminate", planner.Absolute)
	case a.Abort:
		return applier.Status{State: applier.Undone}, nil
	case !launched:
		return next("launch", planner.Token)
	case m.Now().Before(runs), made && m.Now().Before(m.pending[image]):
		return applier.Status{State: applier.Pending, Wait: time.Minute}, nil
	case !made:
		return next("image", planner.Name)
	}
	return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON(strings.TrimPrefix(string(image), "flat/o#"))}}, nil
}

func (m *making) Start(_ context.Context, a applier.Attempt) error {
	m.did = append(m.did, a.Mark)
	image := m.image(a)
	switch a.Mark {
	case "launch":
		m.machines[a.Token] = m.Now().Add(5 * time.Minute)
	case "image":
		m.outside[image], m.pending[image] = planner.Raw{"name": schema.JSON(a.Began.Format("20060102-1504"))}, m.Now().Add(7*time.Minute)
	case "terminate":
		m.machines[a.Token] = time.Time{}
	case "deregister":
		delete(m.outside, image)
	}
	m.starts = append(m.starts, a)
	return nil
}

// newMaking plans a long step, one that tags what it makes, and one that writes
// its id elsewhere.
func newMaking(t *testing.T) (*making, planner.Plan) {
	m := &making{newRig(t), map[string]time.Time{}, map[planner.Ref]time.Time{}, nil}
	find := m.Executor
	m.Executor = func(op string) (applier.Executor, bool) {
		if op == "flat.make" {
			return m, true
		}
		return find(op)
	}
	made := planner.OutRef("flat/o", "", "a", "id")
	return m, m.plan(func(s *planner.Step) {
		s.Op, s.Creates, s.Writes, s.Expects = "flat.make", "id", nil, nil
	}, func(s *planner.Step) {
		s.Object, s.Writes = made, map[string]schema.Value{"tag": schema.JSON("verified")}
		s.Expects = []planner.Expect{{Ref: made, Value: planner.Exists()}, {Ref: made, Path: "tag"}}
	}, func(s *planner.Step) { s.Writes["v"] = planner.OutOf("a", "id") })
}

// mortal is the rig's applier in a process that dies.
func (m *making) mortal(kill *sim.Kill) *applier.Applier {
	return &applier.Applier{Store: sim.Gated(m.store, kill.Gate, m), World: m.World, Clock: m.Clock, Nonce: m.Nonce, Holder: m.Holder, Deployment: m.Deployment,
		Lineage: m.Lineage, TTL: m.TTL, Parallelism: m.Parallelism, Open: m.Open, Report: m.Report, Alive: m.Alive,
		Executor: func(op string) (applier.Executor, bool) {
			ex, ok := m.Executor(op)
			return gated{ex, kill.Gate}, ok
		}}
}

type gated struct {
	applier.Executor
	gate sim.Gate
}

func (g gated) Observe(ctx context.Context, a applier.Attempt) (applier.Status, error) {
	if err := g.gate("observe", sandbox.Before); err != nil {
		return applier.Status{}, err
	}
	return g.Executor.Observe(ctx, a)
}

func (g gated) Start(ctx context.Context, a applier.Attempt) error {
	if err := g.gate("start", sandbox.Before); err != nil {
		return err
	}
	return errors.Join(g.Executor.Start(ctx, a), g.gate("start", sandbox.After))
}

// back is a planner.Past over a making.
type back struct{ *making }

func (b back) Raw(r planner.Ref) planner.Raw { return b.outside[r] }

func (b back) Undo(d planner.Done) ([]planner.Step, error) {
	made := planner.Ref("flat/o#" + d.Outputs["id"].Str())
	return []planner.Step{{ID: "undo/" + d.Step.ID, Address: d.Step.Address, Op: "flat.delete", Object: made, Guard: planner.Absolute, Window: 30,
		Writes: map[string]schema.Value{"": {}}, Expects: []planner.Expect{{Ref: made, Value: planner.Exists()}}}}, nil
}

func (b back) Uses(planner.Ref) []planner.Use { return nil }

func (back) Again(planner.Step, bool) []planner.Step      { return nil }
func (back) Loose(planner.Step, planner.Raw) []string     { return nil }
func (b back) Keep(planner.Done) ([]planner.Step, string) { return nil, "" }

// world is what stands outside.
func (m *making) world() string {
	maps.DeleteFunc(m.outside, func(_ planner.Ref, raw planner.Raw) bool { return raw == nil })
	return fmt.Sprint(m.outside)
}

// takeBack restores what was before the plan.
func (m *making) takeBack() {
	m.t.Helper()
	s, err := m.Snapshot(m.t.Context(), "plan-1")
	if err == nil {
		s.Applied, _, err = applier.ReadApplied(m.t.Context(), m.store, "acme")
	}
	if err != nil {
		m.t.Fatal(err)
	}
	p, _, err := planner.Restore(s, back{m}, planner.Source{}, "back-1")
	if err != nil || schema.Failed(p.Findings) {
		m.t.Fatal(p.Findings, err)
	}
	if res, err := m.Apply(m.t.Context(), p.Sealed()); err != nil || res.Outcome != applier.EndedOutcome {
		m.t.Fatalf("back: %+v, %v", res, err)
	}
}

// TestALongStepKilledAtEveryCall: with several writes and waits between them, it
// goes on to the same end; each write is made once, and what builds on its output
// too. The way back leaves nothing of it.
func TestALongStepKilledAtEveryCall(t *testing.T) {
	whole, p := newMaking(t)
	was := whole.world()
	all := sim.KillAfter(-1)
	res, err := whole.mortal(all).Apply(t.Context(), p)
	whole.done(res, err)
	for k := range len(all.Sides()) {
		for end, goOn := range map[string]func(*making){"resumed": (*making).resumed, "settled": (*making).settled} {
			m, p := newMaking(t)
			if res, err := m.mortal(sim.KillAfter(k)).Apply(t.Context(), p); err == nil {
				t.Fatalf("killed after %d: %+v", k, res)
			}
			if _, err := m.Summary(t.Context(), p.ID); applier.IsMissing(err) {
				continue
			}
			goOn(m)
			m.takeBack()
			if got := m.world(); got != was {
				t.Errorf("the world is %s, and was %s", got, was)
			}
			if t.Failed() {
				t.Fatalf("killed after %d and %s", k, end)
			}
		}
	}
	t.Logf("%d sides of calls", len(all.Sides()))
}

func (m *making) resumed() {
	m.t.Helper()
	res, err := m.Resume(m.t.Context(), "plan-1")
	m.done(res, err)
}

// done holds that all was made, and once.
func (m *making) done(res applier.Result, err error) {
	m.t.Helper()
	if err != nil || res.Outcome != applier.EndedOutcome {
		m.t.Fatalf("%+v, %v", res, err)
	}
	if want := []string{"launch", "image", "terminate"}; !slices.Equal(m.did, want) {
		m.t.Errorf("did %v, want %v", m.did, want)
	}
	image := m.image(applier.Attempt{Token: applier.Token("plan-1"+m.records(applier.KindPlan)[0].Salt, "a")})
	if id := strings.TrimPrefix(string(image), "flat/o#"); m.outside[image]["tag"] != schema.JSON("verified") || m.outside["flat/o#c"]["v"] != schema.JSON(id) {
		m.t.Errorf("the world is %s", m.world())
	}
	began := m.records(applier.KindPlan)[0].At
	for _, a := range m.starts {
		if a.Apply != "plan-1" || !a.Began.Equal(began) || a.Step.ID == "b" && (a.Step.Object != image || a.Pre["name"] != m.outside[image]["name"]) {
			m.t.Errorf("an attempt of %s began %s at %s, before it stood %v", a.Apply, a.Step.Object, a.Began, a.Pre)
		}
	}
	if l, _, err := m.ReadLock(m.t.Context()); err != nil || !l.Free {
		m.t.Errorf("the lock is %+v, %v", l, err)
	}
}

// settled holds that what was not made whole is gone.
func (m *making) settled() {
	m.t.Helper()
	res, err := m.Settle(m.t.Context(), "plan-1")
	if err != nil || res.Outcome != applier.EndedOutcome {
		m.t.Fatalf("%+v, %v", res, err)
	}
	for token, runs := range m.machines {
		if !runs.IsZero() {
			m.t.Errorf("machine %s runs", token)
		}
	}
	for ref := range m.outside {
		if strings.HasPrefix(string(ref), imagePrefix) && len(m.records(applier.KindDone)) == 0 {
			m.t.Errorf("%s is left", ref)
		}
	}
}

// TestCtrlCWhilePending frees the lock, and the next one goes on.
func TestCtrlCWhilePending(t *testing.T) {
	for waits := range 12 {
		m, p := newMaking(t)
		ctx, cancel := context.WithCancel(t.Context())
		m.Report = func(e applier.Event) {
			if e.Kind == applier.KindWaiting && e.Step.ID == "a" {
				if waits--; waits < 0 {
					cancel()
				}
			}
		}
		res, err := m.Apply(ctx, p)
		if cancel(); err != nil || res.Outcome != applier.PausedOutcome {
			t.Fatalf("%+v, %v", res, err)
		}
		if l, _, err := m.ReadLock(t.Context()); err != nil || !l.Free {
			t.Errorf("the lock is %+v, %v", l, err)
		}
		m.resumed()
	}
}

// TestNobodyWaitsForAStranger: a step runs as soon as those before it are done,
// also while another one is at work.
func TestNobodyWaitsForAStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.Parallelism = 2
		last := make(chan struct{})
		land := func(a applier.Attempt) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outside[a.Step.Object] = r.outside[a.Step.Object].With(a.Step.Writes)
		}
		r.start = func(a applier.Attempt) error {
			switch a.Step.ID {
			case "a":
				<-last
			case "c":
				close(last)
			}
			land(a)
			return nil
		}
		res, err := r.Apply(t.Context(), r.plan(plain, plain, func(s *planner.Step) { s.Args = map[string]schema.Value{"x": planner.OutOf("b", "x")} }, plain))
		if err != nil || res.Outcome != applier.EndedOutcome || len(r.starts) != 4 {
			t.Errorf("%+v, %v", res, err)
		}
	})
}

// TestSiblingsFinish: a step fails while another waits for the outside, which is gone
// on with to its end, with what follows it; what failed is not tried again.
func TestSiblingsFinish(t *testing.T) {
	m, _ := newMaking(t)
	m.Parallelism = 2
	find, looked := m.Executor, 0
	m.Executor = func(op string) (applier.Executor, bool) {
		if op == "flat.fail" {
			return failing{&looked}, true
		}
		return find(op)
	}
	p := m.plan(func(s *planner.Step) {
		s.Op, s.Creates, s.Writes, s.Expects = "flat.make", "id", nil, nil
	}, func(s *planner.Step) {
		s.Op = "flat.fail"
	}, func(s *planner.Step) {
		s.Writes["v"] = planner.OutOf("a", "id")
	}, func(s *planner.Step) {
		s.After = []string{"b"}
	})
	res, err := m.Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || res.Done != 2 || len(res.Why) != 1 || res.Why[0] != "b: it is broken" || looked != 1 {
		t.Errorf("%+v, %v, and it was looked at %d times", res, err, looked)
	}
	if want := []string{"launch", "image", "terminate"}; !slices.Equal(m.did, want) || m.outside["flat/o#c"]["v"].Text == "" {
		t.Errorf("did %v, want %v: %s", m.did, want, m.world())
	}
	if l, _, err := m.ReadLock(t.Context()); err != nil || !l.Free {
		t.Errorf("the lock is %+v, %v", l, err)
	}
	if res, err = m.Resume(t.Context(), "plan-1"); err != nil || res.Outcome != applier.FailedOutcome || looked != 2 {
		t.Errorf("resumed: %+v, %v, and it was looked at %d times", res, err, looked)
	}
}

// failing is a step that cannot be.
type failing struct{ looked *int }

func (f failing) Observe(context.Context, applier.Attempt) (applier.Status, error) {
	*f.looked++
	return applier.Status{State: applier.Failed, Why: "it is broken"}, nil
}

func (f failing) Start(context.Context, applier.Attempt) error { return nil }

// TestWhatFailedIsNotHeldBack: a rollback holds back what an apply did, and neither
// of two steps that failed nor what came after one of them.
func TestWhatFailedIsNotHeldBack(t *testing.T) {
	m, _ := newMaking(t)
	find, looked := m.Executor, 0
	m.Executor = func(op string) (applier.Executor, bool) {
		if op == "flat.fail" {
			return failing{&looked}, true
		}
		return find(op)
	}
	fails := func(s *planner.Step) { s.Op = "flat.fail" }
	p := m.plan(plain, fails, fails, func(s *planner.Step) { s.After = []string{"c"} })
	res, err := m.Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || len(res.Why) != 2 {
		t.Fatalf("%+v, %v", res, err)
	}
	snapshot, err := m.Snapshot(t.Context(), "plan-1")
	if got := schema.Addresses(snapshot.Latch); err != nil || len(got) != 1 || got[0].Name != "a" {
		t.Errorf("held back are %v, %v", got, err)
	}
}
