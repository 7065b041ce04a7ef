package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// TestInterruptKilledAtEveryCall: a person interrupts the apply while it builds, and the
// process dies wherever it may. Who goes on ends where the files want to be; of each
// revision's build one at most was not cancelled.
func TestInterruptKilledAtEveryCall(t *testing.T) {
	all := fixtures(t)
	f := all[2]
	if f.name != "building" {
		t.Fatalf("%s is no fixture that builds", f.name)
	}
	start := f.start(t)
	p := start.plan(f.after)
	whole := sim.KillAfter(-1)
	if res, err := start.copy().interrupted(f, p, whole); err != nil || res.Outcome != applier.PausedOutcome || !strings.Contains(strings.Join(res.Why, " "), "what was under way ended: environments.") {
		t.Fatalf("%+v, %v", res, err)
	}
	sides := len(whole.Sides())
	for k := range sides {
		r := start.copy()
		if _, err := r.interrupted(f, p, sim.KillAfter(k)); err != nil && !errors.Is(err, sim.ErrKilled) && !strings.Contains(err.Error(), sim.ErrKilled.Error()) {
			t.Fatalf("killed after %d: %v", k, err)
		}
		r.goOn(f.after, p)
		r.atDesired(f)
		r.oneBuildEach()
		if t.Failed() {
			t.Fatalf("killed after %d of %d", k, sides)
		}
	}
	t.Logf("%d sides of calls", sides)
}

// interrupted applies until the first build is asked for, and then a person asks to stop.
func (r rig) interrupted(f fixture, p planner.Plan, kill *sim.Kill) (applier.Result, error) {
	e, err := r.process(f.after, kill)
	if err != nil {
		return applier.Result{}, err
	}
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	e.Applier.Yield = true
	e.Applier.Report = func(ev applier.Event) {
		if ev.Kind == applier.KindBegin && ev.Step.Op == "domino.build" {
			stop()
		}
	}
	return e.Apply(ctx, p)
}

// oneBuildEach counts revisions that were made and not cancelled.
func (r rig) oneBuildEach() {
	r.t.Helper()
	made, cancelled := map[string]int{}, map[string]int{}
	for _, e := range r.Effects {
		env := e.Args[:min(len(e.Args), 27)] // the first of them
		switch e.Call {
		case "CreateRevision":
			made[env]++
		case "CancelBuild":
			cancelled[env]++
		}
	}
	for env, n := range made {
		if n-cancelled[env] != 1 || n > 2 {
			r.t.Errorf("environment %s: %d revisions were made, %d cancelled", env, n, cancelled[env])
		}
	}
}
