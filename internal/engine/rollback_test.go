package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestRollbackOfAKilledApply takes back an apply that died anywhere.
func TestRollbackOfAKilledApply(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			killedAndTakenBack(t, f)
		})
	}
}

func killedAndTakenBack(t *testing.T, f fixture) {
	start := f.start(t)
	p := start.plan(f.after)
	sides := start.copy().count(f, p)
	for k := range sides {
		r := start.copy()
		r.dies(f, p, k)
		if _, err := r.engine(f.after).Applier.Summary(t.Context(), p.ID); applier.IsMissing(err) {
			continue
		}
		r.back(f, p.ID, sim.KillAfter(-1))
		r.asBefore(f, start, p)
		if t.Failed() {
			t.Fatalf("killed after %d", k)
		}
	}
}

// TestRollbackKilledAtEveryCall: the way back dies anywhere and is gone on with,
// from an apply that ended and from some that died.
func TestRollbackKilledAtEveryCall(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			takenBackKilled(t, f)
		})
	}
}

func takenBackKilled(t *testing.T, f fixture) {
	start := f.start(t)
	p := start.plan(f.after)
	sides := start.copy().count(f, p)
	for k, stride := range map[int]int{sides: 1, sides / 2: 23, sides / 3: 29} {
		died := start.copy()
		if k < sides {
			died.dies(f, p, k)
		} else {
			died.count(f, p)
		}
		for j := 0; ; j += stride {
			r := died.copy()
			killed := r.back(f, p.ID, sim.KillAfter(j))
			r.asBefore(f, start, p)
			if t.Failed() {
				t.Fatalf("apply killed after %d, rollback after %d", k, j)
			}
			if !killed {
				t.Logf("apply killed after %d of %d: %d sides of the way back", k, sides, j)
				break
			}
		}
	}
}

// back rolls an apply back in a process that may die, and goes on until it is
// done; the answer says whether it died.
func (r rig) back(f fixture, id string, kill *sim.Kill) (killed bool) {
	r.t.Helper()
	e, err := r.process(f.after, kill)
	var p planner.Plan
	if err == nil {
		p, err = e.Rollback(r.t.Context(), id, engine.RollbackOptions{})
	}
	if err == nil {
		var res applier.Result
		if res, err = e.Apply(r.t.Context(), p); err == nil {
			r.ended(res, err)
		}
	}
	if err == nil {
		return false
	}
	if !errors.Is(err, sim.ErrKilled) && !strings.Contains(err.Error(), sim.ErrKilled.Error()) {
		r.t.Fatalf("rollback: %v", err)
	}
	if p.ID == "" {
		if p, err = r.engine(f.after).Rollback(r.t.Context(), id, engine.RollbackOptions{}); err != nil {
			r.t.Fatalf("rollback again: %v", err)
		}
	}
	r.goOn(f.after, p)
	return true
}

// TestAnUndecidedStepThatStaysSo: an apply that was abandoned while someone else
// had changed what a begun step writes is not taken back, and says so at once.
func TestAnUndecidedStepThatStaysSo(t *testing.T) {
	f := fixtures(t)[1]
	start := f.start(t)
	p := start.plan(f.after)
	met := 0
	for k := range start.copy().count(f, p) {
		r := start.copy()
		r.dies(f, p, k)
		e := r.engine(f.after)
		if _, err := e.Applier.Snapshot(t.Context(), p.ID); !errors.Is(err, applier.ErrUndecided) {
			continue
		}
		step := r.undecided(f, p)
		if step.Op != "mongo.update" || step.Object.Type() != "mongo/hardware_tier" {
			continue
		}
		met++
		r.byHand(step)
		res, err := e.Applier.Supersede(t.Context(), p.ID)
		r.ended(res, err)
		_, err = e.Rollback(t.Context(), p.ID, engine.RollbackOptions{})
		says(t, err, "DC319", p.ID, step.ID, "history show", "--exclude '"+step.Address.String()+"'")
		back, err := e.Rollback(t.Context(), p.ID, engine.RollbackOptions{Exclude: []string{step.Address.String()}})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range back.Steps {
			if s.Address == step.Address {
				t.Errorf("%s is taken back, and nobody knows whether it was done", s.ID)
			}
		}
		if res, err := e.Apply(t.Context(), back); len(back.Steps) > 0 {
			r.ended(res, err)
		}
	}
	if met == 0 {
		t.Error("no kill leaves a step undecided")
	}
}

// undecided is the step that was begun last.
func (r rig) undecided(f fixture, p planner.Plan) planner.Step {
	r.t.Helper()
	s, err := r.engine(f.after).Applier.Summary(r.t.Context(), p.ID)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, record := range slices.Backward(s.Records) {
		if record.Kind == applier.KindBegin {
			i := slices.IndexFunc(p.Steps, func(s planner.Step) bool { return s.ID == record.Step })
			return p.Steps[i]
		}
	}
	r.t.Fatal("no step was begun")
	return planner.Step{}
}

// byHand changes what a step writes of a tier.
func (r rig) byHand(step planner.Step) {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	set := port.Document{}
	for path := range step.Writes {
		set[path] = `"by hand"`
	}
	if matched, err := w.UpdateOne(r.t.Context(), "hardware_tier", port.Document{"_id": schema.JSON(step.Object.ID()).Text}, set, nil); err != nil || !matched {
		r.t.Fatalf("%s: %v, %v", step.Object, matched, err)
	}
}

// asBefore holds that the world is as it was before the apply, and that its
// content stays off.
func (r rig) asBefore(f fixture, start rig, p planner.Plan) {
	r.t.Helper()
	if got, want := r.managed(), start.managed(); got != want {
		r.t.Errorf("the world is not as before:\n%s\nwant\n%s", got, want)
	}
	again := r.plan(f.after)
	if len(again.Steps) > 0 {
		r.t.Errorf("the content is planned again: %v", again.Steps)
	}
	latched := map[string]bool{}
	for _, finding := range again.Findings {
		if finding.Code == "DC410" {
			latched[finding.Address.String()] = true
		}
	}
	for a := range p.Content {
		if !latched[a.String()] {
			r.t.Errorf("%s is not held back", a)
		}
	}
	r.settled(f.after)
}
