package engine_test

import (
	"bytes"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sim"
)

// unready is the fixture of pools that are rolled, to an image whose nodes never get ready.
func unready(t *testing.T, few bool) fixture {
	t.Helper()
	f := rolling(t, few)
	f.content = bytes.Replace(f.content, []byte(`"kubernetes": {}`), []byte(`"kubernetes": {"unready": ["ami-00000000000000002"]}`), 1)
	return f
}

// TestAFailedRollTurnsBack: the groups start the old image again and have no other node, and
// a rollback finds nothing but what the switch was made with.
func TestAFailedRollTurnsBack(t *testing.T) {
	t.Parallel()
	f := unready(t, false)
	r := f.start(t)
	before := r.grid()
	e := r.engine(f.after)
	p := r.plan(f.after)
	res, err := e.Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || strings.Count(strings.Join(res.Why, "\n"), "It was turned back") != 3 {
		t.Fatalf("%+v, %v", res, err)
	}
	want := strings.Replace(before, "demand-a[1 1] 2", "demand-a[1] 1", 1) // which nobody asks to be more
	if got := r.grid(); !strings.HasPrefix(got, strings.Split(want, " workers-asg")[0]) {
		t.Error(got)
	}
	r.staysFailed(f, p.ID)
	r.back(f, p.ID, sim.KillAfter(-1))
	t.Log(r.grid())
}

// TestAGroupBeforeOneThatFailed keeps its new nodes, which is said, until a rollback replaces
// them.
func TestAGroupBeforeOneThatFailed(t *testing.T) {
	t.Parallel()
	f := rolling(t, true)
	f.content = bytes.Replace(f.content, []byte(`"surging-b": {`), []byte(`"surging-b": {"room": 1, `), 1)
	r := f.start(t)
	p := r.plan(f.after)
	res, err := r.engine(f.after).Apply(t.Context(), p)
	if says := "What was rolled before keeps its new nodes (surging-a): domctl rollback --to " + p.ID + " replaces them"; err != nil || res.Outcome != applier.FailedOutcome || !strings.Contains(strings.Join(res.Why, "\n"), says) {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := r.grid(); !strings.Contains(got, "surging-a[2] 1 surging-b[1] 1") {
		t.Error(got)
	}
	back, err := r.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(r.engine(f.after).Apply(t.Context(), back))
	if got := r.grid(); !strings.Contains(got, "surging-a[1] 1 surging-b[1] 1") {
		t.Error(got)
	}
}

// TestAFailedRollKilled: wherever a process dies, the next one turns the roll back
// all the same.
func TestAFailedRollKilled(t *testing.T) {
	t.Parallel()
	f := unready(t, true)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	k := sim.KillAfter(-1)
	e, err := whole.process(f.after, k)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := e.Apply(t.Context(), p); err != nil || res.Outcome != applier.FailedOutcome {
		t.Fatalf("%+v, %v", res, err)
	}
	want, sides := whole.grid(), len(k.Sides())
	for k := 0; k < sides; k += 61 {
		r := start.copy()
		r.dies(f, p, k)
		e := r.engine(f.after)
		res, err := e.Applier.Resume(t.Context(), p.ID)
		if applier.IsMissing(err) {
			res, err = e.Apply(t.Context(), p)
		}
		if err != nil || res.Outcome != applier.FailedOutcome || r.grid() != want {
			t.Fatalf("killed after %d: %+v, %v: %s; want %s", k, res, err, r.grid(), want)
		}
	}
	t.Logf("%d sides of calls: %s", sides, want)
}

// TestAnAlarmTurnsARollBack, and no other pool's.
func TestAnAlarmTurnsARollBack(t *testing.T) {
	t.Parallel()
	f := rolling(t, false)
	f.content = bytes.Replace(f.content, []byte(`"errors": {}`), []byte(`"errors": {"image": "ami-00000000000000002", "reason": "5 of 5 runs failed"}`), 1)
	r := f.start(t)
	res, err := r.engine(f.after).Apply(t.Context(), r.plan(f.after))
	if err != nil || res.Outcome != applier.FailedOutcome || len(res.Why) != 1 || !strings.Contains(res.Why[0], "DC838: alarm errors of CloudWatch rings: 5 of 5 runs failed. It was turned back") {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := r.grid(); !strings.HasPrefix(got, "demand-a[1") || !strings.Contains(got, "surging-a[2 2] 2") || strings.Contains(got, "cordoned") {
		t.Error(got)
	}
}
