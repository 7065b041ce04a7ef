package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// TestApplyKilledAtEveryCall: wherever a process dies, the next one goes on to
// the same end, writes nothing twice and leaves nothing of its own behind.
func TestApplyKilledAtEveryCall(t *testing.T) {
	gpu := baking(t, "volume:", withGPU)
	gpu.name = "gpu"
	for _, f := range append(fixtures(t), gpu) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			killedAtEveryCall(t, f)
		})
	}
}

func killedAtEveryCall(t *testing.T, f fixture) {
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	sides := whole.count(f, p)
	whole.atDesired(f)
	for k := range sides {
		r := start.copy()
		r.dies(f, p, k)
		r.goOn(f.after, p)
		r.atDesired(f)
		if got, want := r.Told(), whole.Told(); !slices.Equal(got, want) {
			t.Fatalf("killed after %d: wrote\n%s\nwant\n%s", k, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if got, want := r.managed(), whole.managed(); got != want {
			t.Fatalf("killed after %d: the world is\n%s\nwant\n%s", k, got, want)
		}
		r.story(f, p)
		if t.Failed() {
			t.Fatalf("killed after %d", k)
		}
	}
	t.Logf("%d steps, %d sides of calls", len(p.Steps), sides)
}

// sides are those of an apply that nothing kills.
func (r rig) sides(f fixture, p planner.Plan) []string {
	r.t.Helper()
	k := sim.KillAfter(-1)
	e, err := r.process(f.after, k)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ended(e.Apply(r.t.Context(), p))
	return k.Sides()
}

// count is how many sides those are.
func (r rig) count(f fixture, p planner.Plan) int { return len(r.sides(f, p)) }

// dies applies in a process that is killed after k sides. What does not answer may be waited
// for, so that who is dead must not go on waiting.
func (r rig) dies(f fixture, p planner.Plan, k int) {
	r.t.Helper()
	kill := sim.KillAfter(k)
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	gate := func(call string, phase sandbox.Phase) error {
		err := kill.Gate(call, phase)
		if err != nil {
			cancel()
		}
		return err
	}
	e, err := r.Process(ctx, f.after, sim.Options{Holder: "test", Gate: gate})
	if err == nil {
		_, err = e.Apply(ctx, p)
	}
	if ctx.Err() == nil {
		r.t.Fatalf("killed after %d: it went on: %v", k, err)
	}
}

// atDesired holds that there is nothing left to do.
func (r rig) atDesired(f fixture) {
	r.t.Helper()
	if again := r.plan(f.after); !again.Empty() || len(again.Changes)+len(again.Drift) > 0 {
		var b strings.Builder
		_ = again.Text(&b, planner.Style{})
		r.t.Errorf("the second plan is not empty:\n%s", b.String())
	}
	r.settled(f.after)
}

// story holds that the records tell what became of each step.
func (r rig) story(f fixture, p planner.Plan) {
	r.t.Helper()
	s, err := r.engine(f.after).Applier.Summary(r.t.Context(), p.ID)
	if err != nil || s.Outcome != applier.EndedOutcome || s.Done != len(p.Steps) {
		r.t.Fatalf("the records tell %q with %d steps done, %v", s.Outcome, s.Done, err)
	}
	begun := map[string]bool{}
	for _, rec := range s.Records {
		switch rec.Kind {
		case applier.KindBegin:
			begun[rec.Step] = true
		case applier.KindDone:
			if !begun[rec.Step] {
				r.t.Errorf("%s is done and was never begun", rec.Step)
			}
		}
	}
	last := s.Records[len(s.Records)-1]
	if last.Kind != applier.KindEnded {
		r.t.Errorf("the last record is %s", last.Kind)
	}
}

// rollsAndBack: everything is as it is to be after an apply, a second plan is empty, and a
// rollback has it as it was.
func rollsAndBack(t *testing.T, f fixture, shows func(rig) string, rolled, back string) rig {
	t.Helper()
	r := f.start(t)
	p := r.applyAll(f.after)
	if got := shows(r); got != rolled {
		t.Errorf("%s\nwant %s", got, rolled)
	}
	if again := r.plan(f.after); !again.Empty() {
		t.Errorf("the second plan is not empty: %+v", again.Steps)
	}
	e := r.engine(f.after)
	p, err := e.Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(e.Apply(t.Context(), p))
	if got := shows(r); got != back {
		t.Errorf("%s\nwant %s", got, back)
	}
	return r
}

// rollsOn: after whichever of the chosen sides a process dies, the next one goes on to the
// same end, by the same writes.
func rollsOn(t *testing.T, f fixture, chosen func(k int, side string) bool, shows func(rig) string, want string) (sides []string) {
	t.Helper()
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	sides = whole.sides(f, p)
	if got := shows(whole); got != want {
		t.Fatal(got)
	}
	for k, side := range sides {
		if !chosen(k, side) {
			continue
		}
		r := start.copy()
		r.dies(f, p, k)
		r.goOn(f.after, p)
		if got := shows(r); got != want {
			t.Fatalf("killed after %d: %s", k, got)
		}
		if got, want := r.Told(), whole.Told(); !slices.Equal(got, want) {
			t.Fatalf("killed after %d: wrote\n%s\nwant\n%s", k, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	t.Logf("%d sides of calls", len(sides))
	return sides
}

// takenBack: after whichever of the chosen sides a process dies, a rollback has what is right.
func takenBack(t *testing.T, f fixture, chosen func(k int, side string) bool, shows func(rig) string, right func(string) bool) {
	t.Helper()
	start := f.start(t)
	p := start.plan(f.after)
	for k, side := range start.copy().sides(f, p) {
		if !chosen(k, side) {
			continue
		}
		r := start.copy()
		r.dies(f, p, k)
		if open, err := r.engine(f.after).Applier.OpenApplies(t.Context()); err != nil || len(open) == 0 {
			continue // it had not begun
		}
		r.back(f, p.ID, sim.KillAfter(-1))
		if got := shows(r); !right(got) {
			t.Fatalf("killed after %d: %s", k, got)
		}
	}
}

// staysFailed: who looks again at an apply that failed writes nothing more.
func (r rig) staysFailed(f fixture, id string) {
	r.t.Helper()
	told := len(r.Told())
	if again, err := r.engine(f.after).Applier.Resume(r.t.Context(), id); err != nil || again.Outcome != applier.FailedOutcome {
		r.t.Errorf("%+v, %v", again, err)
	}
	if more := r.Told()[told:]; len(more) > 0 {
		r.t.Errorf("looked at again, it wrote %v", more)
	}
}

func every(n int) func(int, string) bool { return func(k int, _ string) bool { return k%n == 0 } }
