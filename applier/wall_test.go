package applier_test

import (
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/sim"
)

// TestALeaseGoesByTheWall: where the outside's clock runs fast, a lock is waited for, and
// stays its holder's, for as long as by the wall; records bear the outside's time.
func TestALeaseGoesByTheWall(t *testing.T) {
	r := newRig(t)
	wall := sim.JumpFrom(time.Date(2026, 3, 1, 10, 0, 0, 0, time.UTC))
	r.Wall = wall
	if _, err := r.store.PutIfNone(t.Context(), "lock", []byte(`{"holder":"bob","apply":"a0","since":"2026-03-01T09:00:00Z","nonce":"n"}`)); err != nil {
		t.Fatal(err)
	}
	began, first := wall.Now(), true
	r.Report = func(e applier.Event) {
		switch {
		case e.Kind == applier.KindWaiting && e.Step.ID == "": // ten hours of the outside are nothing to who waits for bob
			r.now = r.now.Add(10 * time.Hour)
		case e.Kind == applier.KindBegin && first: // nor to who holds the lock
			first = false
			r.now = r.now.Add(10 * time.Hour)
		}
	}
	res, err := r.Apply(t.Context(), r.plan(plain))
	r.ends(res, err, applier.EndedOutcome, "", "a")
	if waited := wall.Now().Sub(began); waited < r.TTL || waited > 2*r.TTL {
		t.Errorf("bob's lock was waited for %s", waited)
	}
	if missed := r.records(applier.KindMissed); len(missed) != 0 {
		t.Errorf("the lease grew old by the outside's clock: %v", missed)
	}
	if done := r.records(applier.KindDone); len(done) != 1 || done[0].At.Before(began.Add(10*time.Hour)) {
		t.Errorf("records bear another time: %v", done)
	}
}
