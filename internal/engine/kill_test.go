package engine_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
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

// count applies without a kill and counts the sides of calls.
func (r rig) count(f fixture, p planner.Plan) int { return len(r.sides(f, p)) }

// dies applies in a process that is killed after k sides.
func (r rig) dies(f fixture, p planner.Plan, k int) {
	r.t.Helper()
	kill := sim.KillAfter(k)
	e, err := r.process(f.after, kill)
	if err == nil {
		_, err = e.Apply(r.t.Context(), p)
	}
	if err == nil {
		r.t.Fatalf("killed after %d: no error", k)
	}
	if !errors.Is(err, sim.ErrKilled) && !strings.Contains(err.Error(), sim.ErrKilled.Error()) {
		r.t.Fatalf("killed after %d: %v", k, err)
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
