package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// TestCancelKilledAtEveryCall: a person cancels a build by its name, and the process dies
// wherever it may. What Domino was asked stands in the records before, and a second try
// ends the build or finds it ended.
func TestCancelKilledAtEveryCall(t *testing.T) {
	f := fixtures(t)[2]
	start := f.start(t)
	p := start.plan(f.after)
	name := start.building(f, p)
	whole := sim.KillAfter(-1)
	if err := start.copy().cancel(f, name, whole); err != nil {
		t.Fatal(err)
	}
	sides := len(whole.Sides())
	for k := range sides {
		r := start.copy()
		if err := r.cancel(f, name, sim.KillAfter(k)); err == nil {
			t.Fatalf("killed after %d: no error", k)
		}
		asked := slices.ContainsFunc(r.Effects, func(e sim.Effect) bool { return e.Call == "CancelBuild" })
		if all, err := applier.Cancels(t.Context(), r.engine(f.after).Store); err != nil || asked && len(all) != 1 {
			t.Errorf("killed after %d: asked %v, recorded %+v, %v", k, asked, all, err)
		}
		if err := r.cancel(f, name, sim.KillAfter(-1)); (err != nil) != asked || asked && !strings.Contains(err.Error(), "DC372") {
			t.Errorf("killed after %d: asked %v, and again: %v", k, asked, err)
		}
	}
	t.Logf("%d sides of calls", sides)
}

// building applies until a build is under way, and answers the name of its environment.
func (r rig) building(f fixture, p planner.Plan) (name string) {
	r.t.Helper()
	e := r.engine(f.after)
	ctx, stop := context.WithCancel(r.t.Context())
	defer stop()
	e.Applier.Report = func(ev applier.Event) {
		if ev.Kind == applier.KindBegin && ev.Step.Op == "domino.build" {
			stop()
		}
	}
	if res, err := e.Apply(ctx, p); err != nil || res.Outcome != applier.PausedOutcome {
		r.t.Fatalf("%+v, %v", res, err)
	}
	all, err := r.engine(f.after).Environments(r.t.Context(), engine.Look{})
	if err != nil {
		r.t.Fatal(err)
	}
	for _, one := range all {
		if _, err := r.engine(f.after).Running(r.t.Context(), one); err == nil {
			return one.Name
		}
	}
	r.t.Fatal("nothing is built")
	return ""
}

func (r rig) cancel(f fixture, name string, kill *sim.Kill) error {
	e, err := r.process(f.after, kill)
	if err != nil {
		return err
	}
	of, err := e.Environment(r.t.Context(), name, engine.Look{})
	if err != nil {
		return err
	}
	running, err := e.Running(r.t.Context(), of)
	if err != nil {
		return err
	}
	_, err = e.CancelBuild(r.t.Context(), running)
	return err
}
