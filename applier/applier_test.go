package applier_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestAPlanForAnotherOutsideIsNotConsumed and reserves nothing.
func TestAPlanForAnotherOutsideIsNotConsumed(t *testing.T) {
	r := newRig(t)
	p := r.plan(plain)
	r.answers = errors.New("DC603: another account")
	if _, err := r.Apply(t.Context(), p); !errors.Is(err, r.answers) || !strings.Contains(err.Error(), "the plan can still be applied") {
		t.Errorf("answers %v", err)
	}
	for key := range r.store.Bodies() {
		if key != "lock" {
			t.Errorf("%s was written", key)
		}
	}
	r.answers = nil
	res, err := r.Apply(t.Context(), p)
	r.ends(res, err, applier.EndedOutcome, "", "a")
}

// TestPendingIsPolledWithoutTheLock as often as the executor says.
func TestPendingIsPolledWithoutTheLock(t *testing.T) {
	r := newRig(t)
	looks, held := 0, 0
	r.observe = func(a applier.Attempt) applier.Status {
		if len(a.Begun) == 0 {
			return applier.Status{}
		}
		if looks++; looks == 1 { // in the segment that began it
			return applier.Status{State: applier.Pending}
		}
		if l, _, err := r.ReadLock(t.Context()); looks < 5 && (err != nil || !l.Free) {
			held++
		}
		if looks < 5 {
			return applier.Status{State: applier.Pending, Wait: 7 * time.Minute}
		}
		return applier.Status{State: applier.Finished, Outputs: map[string]schema.Value{"id": schema.JSON("x")}}
	}
	res, err := r.Apply(t.Context(), r.plan(plain))
	r.ends(res, err, applier.EndedOutcome, "", "a")
	if want := []time.Duration{7 * time.Minute, 7 * time.Minute, 7 * time.Minute}; !slices.Equal(r.slept, want) || held > 0 {
		t.Errorf("slept %v, want %v; %d looks held the lock", r.slept, want, held)
	}
	if done := r.records(applier.KindDone); len(done) != 1 || done[0].Outputs["id"].Str() != "x" {
		t.Errorf("done: %v", done)
	}
}

// TestTheGuardOfAWriteIsItsOwn where it is not the step's: what a conditional
// write carries itself, an absolute one compares before.
func TestTheGuardOfAWriteIsItsOwn(t *testing.T) {
	const moved = "DC304: hardwareTiers.a: flat/o#a: v moved from 1 to 5"
	for guard, why := range map[planner.Guard]string{"": "", planner.Name: "", planner.Absolute: moved, planner.Token: moved} {
		r := newRig(t)
		r.observe = func(a applier.Attempt) applier.Status {
			if a.Begun["go"] {
				return applier.Status{State: applier.Finished}
			}
			r.outside[a.Step.Object]["v"] = schema.JSON(5)
			return applier.Status{Mark: "go", Guard: guard}
		}
		res, err := r.Apply(t.Context(), r.plan(plain))
		if why == "" {
			r.ends(res, err, applier.EndedOutcome, "", "a go")
		} else {
			r.ends(res, err, applier.FailedOutcome, why)
		}
	}
}

// TestWhoCannotTellWritesNothing more, and looks again when it is resumed.
func TestWhoCannotTellWritesNothing(t *testing.T) {
	r := newRig(t)
	r.observe = func(applier.Attempt) applier.Status {
		return applier.Status{State: applier.Unsure, Why: "two of that name"}
	}
	res, err := r.Apply(t.Context(), r.plan(plain))
	r.ends(res, err, applier.FailedOutcome, "a: two of that name")
	r.observe = nil
	res, err = r.Resume(t.Context(), "plan-1")
	r.ends(res, err, applier.EndedOutcome, "", "a")
}

// TestSettlingUndoes what was begun, once a late write can no longer land.
func TestSettlingUndoes(t *testing.T) {
	r := newRig(t)
	r.start = func(applier.Attempt) error { return errors.New("no answer") }
	r.observe = func(a applier.Attempt) applier.Status {
		switch {
		case a.Abort:
			return applier.Status{State: applier.Undone}
		case a.Begun[""]:
			return applier.Status{State: applier.Unsure, Why: "cannot tell"}
		}
		return applier.Status{}
	}
	res, err := r.Apply(t.Context(), r.plan(plain, plain))
	r.ends(res, err, applier.FailedOutcome, "cannot tell", "a", "b")
	began := r.now
	res, err = r.Settle(t.Context(), "plan-1")
	r.ends(res, err, applier.EndedOutcome, "", "a", "b")
	if n := len(r.records(applier.KindUndone)); n != 2 || r.now.Sub(began) < 30*time.Second {
		t.Errorf("%d undone after %s", n, r.now.Sub(began))
	}
	if applied, _, err := applier.ReadApplied(t.Context(), r.store, "acme"); err != nil || len(applied.Entries) > 0 {
		t.Errorf("applied: %v, %v", applied, err)
	}
}

// TestARefusalForNowIsTriedAgain with growing pauses, and not for ever.
func TestARefusalForNowIsTriedAgain(t *testing.T) {
	seconds := func(n ...time.Duration) (out []time.Duration) {
		for _, d := range n {
			out = append(out, d*time.Second)
		}
		return out
	}
	for refusals, want := range map[int][]time.Duration{0: nil, 3: seconds(2, 4, 8), 6: seconds(2, 4, 8, 16, 32)} {
		r := newRig(t)
		left := refusals
		r.start = func(a applier.Attempt) error {
			if left--; left >= 0 {
				return &applier.Refusal{Err: errors.New("throttled"), Retry: true}
			}
			r.outside[a.Step.Object]["v"] = schema.JSON(2)
			return nil
		}
		res, err := r.Apply(t.Context(), r.plan(plain))
		outcome, why := applier.EndedOutcome, ""
		if refusals == 6 {
			outcome, why = applier.FailedOutcome, "a: throttled"
		}
		r.ends(res, err, outcome, why, slices.Repeat([]string{"a"}, min(refusals+1, 6))...)
		if !slices.Equal(r.slept, want) || len(r.records(applier.KindMissed)) != refusals {
			t.Errorf("%d refusals: slept %v, want %v; missed: %v", refusals, r.slept, want, r.records(applier.KindMissed))
		}
	}
}

// TestADuplicateIsARefusal: the name is taken by what somebody else made, and
// nothing of ours is there to wait for or to take back.
func TestADuplicateIsARefusal(t *testing.T) {
	r := newRig(t)
	r.start = func(applier.Attempt) error { return &applier.Refusal{Err: port.ErrDuplicate} }
	res, err := r.Apply(t.Context(), r.plan(func(s *planner.Step) { s.Guard = planner.Name }))
	r.ends(res, err, applier.FailedOutcome, port.ErrDuplicate.Error(), "a")
	if len(r.slept) > 0 {
		t.Errorf("slept %v", r.slept)
	}
	if s, err := r.Snapshot(t.Context(), "plan-1"); err != nil || len(s.Done) > 0 {
		t.Errorf("there is something to take back: %v, %v", s.Done, err)
	}
}

// TestATokenMeetsWhatItLeft: what an attempt before made of a place is no other's change, and what
// another made of it since is.
func TestATokenMeetsWhatItLeft(t *testing.T) {
	for stands, why := range map[int]string{1: "", 2: "", 5: "DC304: hardwareTiers.a: flat/o#a: v moved from 1 to 5"} {
		r := newRig(t)
		looks := 0
		r.observe = func(a applier.Attempt) applier.Status {
			switch looks++; {
			case looks == 1:
				return applier.Status{Mark: "first"}
			case a.Begun["again"]:
				return applier.Status{State: applier.Finished}
			}
			r.outside[a.Step.Object]["v"] = schema.JSON(stands)
			return applier.Status{Mark: "again"}
		}
		r.start = func(applier.Attempt) error { return nil }
		res, err := r.Apply(t.Context(), r.plan(func(s *planner.Step) { s.Guard = planner.Token }))
		if why == "" {
			r.ends(res, err, applier.EndedOutcome, "", "a first", "a again")
		} else {
			r.ends(res, err, applier.FailedOutcome, why, "a first")
		}
	}
}

// TestAnAbsoluteWriteComparesJustBefore: what moves while its sibling is written
// stops it. A conditional one carries what it expects.
func TestAnAbsoluteWriteComparesJustBefore(t *testing.T) {
	for name, c := range map[string]struct {
		change  func(*planner.Step)
		why     string
		outcome applier.Outcome
		starts  []string
	}{
		"absolute":    {absolute, "DC304: hardwareTiers.b: flat/o#b: v moved from 1 to 9", applier.FailedOutcome, []string{"a"}},
		"conditional": {plain, "", applier.EndedOutcome, []string{"a", "b"}},
		"another object": {func(s *planner.Step) {
			s.Object = "flat/o#c"
			s.Expects = append(s.Expects, planner.Expect{Ref: s.Object, Path: "v"})
		}, "DC304: hardwareTiers.b: flat/o#b: v moved from 1 to 9", applier.FailedOutcome, []string{"a"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			r.Report = func(e applier.Event) {
				if e.Kind == applier.KindBegin && e.Step.ID == "a" {
					r.outside["flat/o#b"]["v"] = schema.JSON(9)
				}
			}
			res, err := r.Apply(t.Context(), r.plan(plain, c.change))
			r.ends(res, err, c.outcome, c.why, c.starts...)
		})
	}
}

// TestAnOldLeaseSendsNothing: where the process stood still after its begin, the
// write waits until the lease is renewed.
func TestAnOldLeaseSendsNothing(t *testing.T) {
	for stood, missed := range map[time.Duration]int{25 * time.Second: 0, 31 * time.Second: 1} {
		r := newRig(t)
		first := true
		r.Report = func(e applier.Event) {
			if e.Kind == applier.KindBegin && first {
				first = false
				r.now = r.now.Add(stood)
			}
		}
		res, err := r.Apply(t.Context(), r.plan(plain))
		r.ends(res, err, applier.EndedOutcome, "", "a")
		got := r.records(applier.KindMissed)
		if len(got) != missed || missed == 1 && got[0].Why != "not sent: the lease had grown old" {
			t.Errorf("stood still for %s: missed %v", stood, got)
		}
	}
}
