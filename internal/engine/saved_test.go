package engine_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

// TestAPlanAlteredByOneByteIsRefused at every byte of it.
func TestAPlanAlteredByOneByteIsRefused(t *testing.T) {
	f := fixtures(t)[1]
	b := planner.Encode(f.start(t).plan(f.after))
	for i := range b {
		for _, to := range []byte{b[i] ^ 1, b[i] ^ 0x20, '0'} {
			altered := bytes.Clone(b)
			if altered[i] = to; to == b[i] {
				continue
			}
			if _, err := planner.Decode(altered); !errors.Is(err, planner.ErrAltered) && !errors.Is(err, planner.ErrNoPlan) {
				t.Fatalf("byte %d as %q is not told: %v", i, to, err)
			}
		}
	}
	for _, cut := range [][]byte{b[:len(b)-1], append(slices.Clone(b), '\n'), b[1:], nil} {
		if _, err := planner.Decode(cut); !errors.Is(err, planner.ErrAltered) && !errors.Is(err, planner.ErrNoPlan) {
			t.Errorf("%d bytes of %d: %v", len(cut), len(b), err)
		}
	}
}

// saved is a plan that went through a file.
func (r rig) saved(f fixture) planner.Plan {
	r.t.Helper()
	p, err := planner.Decode(planner.Encode(r.plan(f.after)))
	if err != nil {
		r.t.Fatal(err)
	}
	return p
}

func TestAPlanIsAppliedOnce(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	p := r.saved(f)
	r.ended(r.engine(f.after).Apply(t.Context(), p))
	_, err := r.engine(f.after).Apply(t.Context(), p)
	if !errors.Is(err, applier.ErrReplayed) || !strings.Contains(err.Error(), "DC303") {
		t.Errorf("applied again: %v", err)
	}
	res, err := r.engine(f.after).Applier.Resume(t.Context(), p.ID)
	if err != nil || res.Outcome != applier.EndedOutcome || res.Left != 0 {
		t.Errorf("resumed after its end: %+v, %v", res, err)
	}
	r.settled(f.after)
}

func TestWhatMovedIsNamed(t *testing.T) {
	f := fixtures(t)[0]
	for name, moved := range map[string]struct {
		from, to string
		want     []string
	}{
		"a field":         {`{"$numberDouble": "1.0"}`, `{"$numberDouble": "3.0"}`, []string{"hardwareTiers.small", "mongo/hardware_tier#t-small", "resources.cores", "from 1.0 to 3.0"}},
		"a secret":        {`canary-token-old`, `canary-token-else`, []string{"settings.com.sim.token", "value moved"}},
		"a new object":    {`{"_id": "t-foreign"`, `{"_id": "wide"`, []string{"hardwareTiers.wide", "is there by now"}},
		"a group":         {`"version": "3"`, `"version": "2"`, []string{"nodePools.numbered", "asg/group#numbered-a", "version"}},
		"a setting added": {`"key": "com.sim.foreign"`, `"key": "com.sim.fresh"`, []string{"settings.com.sim.fresh", "is there by now"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := f.start(t)
			p := r.saved(f)
			r.t = t
			r.edit(moved.from, moved.to)
			was := r.managed()
			res, err := r.engine(f.after).Apply(t.Context(), p)
			why := strings.Join(res.Why, "\n")
			if err != nil || res.Outcome != applier.RefusedOutcome || !strings.Contains(why, "DC304") {
				t.Fatalf("%+v, %v", res, err)
			}
			for _, w := range moved.want {
				if !strings.Contains(why, w) {
					t.Errorf("%q is not in %s", w, why)
				}
			}
			if strings.Contains(why, "canary") || r.managed() != was || len(r.Effects) > 0 {
				t.Errorf("shown or written: %s %v", why, r.Effects)
			}
			if res, err := r.engine(f.after).Applier.Resume(t.Context(), p.ID); err != nil || res.Outcome != applier.RefusedOutcome {
				t.Errorf("a refused plan is resumed: %+v %v", res, err)
			}
		})
	}
}

func TestWhatAPlanDoesNotTouchMayMove(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	effect := r.plan(f.after).Effect
	p := r.saved(f)
	r.edit(`"unknown": {"$numberDecimal": "1.50"}`, `"unknown": "else"`, `"not ours"`, `"not ours either"`, `"cores": 9`, `"cores": 10`)
	if again := r.plan(f.after).Effect; again != effect {
		t.Error("the effect follows paths that are not touched")
	}
	r.ended(r.engine(f.after).Apply(t.Context(), p))
	for _, stays := range []string{`"unknown":"else"`, "not ours either", `"cores":10`} {
		if !strings.Contains(r.managed(), stays) {
			t.Errorf("%s was written over", stays)
		}
	}
	r.atDesired(f)
}

func TestAPlanIsDeterministic(t *testing.T) {
	for _, f := range fixtures(t) {
		r := f.start(t)
		first := r.plan(f.after)
		for range 10 {
			if p := r.plan(f.after); p.Effect != first.Effect {
				t.Fatalf("%s: another effect from the same", f.name)
			}
		}
	}
}

// TestAVersionInUseIsKept: EC2 would delete it, and the group would start no
// more nodes. The plan says so, and a group that comes to use it afterwards is
// found out at the write.
func TestAVersionInUseIsKept(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	p := r.applyAll(f.after)
	early, err := r.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil || len(grave(early)) > 0 {
		t.Fatal(err, early.Findings)
	}
	late := r.copy()
	r.edit(`"copied-a": {`, `"by-hand": {"desired": 0, "max": 1, "min": 0, "template": "lt-b", "version": "4"}, "copied-a": {`)
	back, err := r.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil || len(back.Steps) != len(early.Steps)-1 || len(grave(back)) != 1 || grave(back)[0].Code != "DC425" || !strings.Contains(grave(back)[0].Message, "by-hand") {
		t.Fatal(err, len(back.Steps), len(early.Steps), back.Findings)
	}
	r.ended(r.engine(f.after).Apply(t.Context(), back))
	if !strings.Contains(r.managed(), `"number":4`) {
		t.Error("the version is gone")
	}
	r = late
	r.edit(`"copied-a": {`, `"by-hand": {"desired": 0, "max": 1, "min": 0, "template": "lt-b", "version": "4"}, "copied-a": {`)
	res, err := r.engine(f.after).Apply(t.Context(), early)
	if err != nil || res.Outcome != applier.FailedOutcome || !strings.Contains(strings.Join(res.Why, "\n"), "by-hand") {
		t.Errorf("%+v, %v", res, err)
	}
	if !strings.Contains(r.managed(), `"number":4`) {
		t.Error("the version is gone")
	}
}
