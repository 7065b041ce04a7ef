package engine_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// cut applies in a process that dies halfway, and answers the apply.
func (r rig) cut(f fixture) planner.Plan {
	r.t.Helper()
	p := r.plan(f.after)
	r.dies(f, p, r.copy().count(f, p)/2)
	return p
}

// put writes a body as it is, whatever stands there.
func (r rig) put(key, body string) {
	r.t.Helper()
	if err := r.Store.Delete(r.t.Context(), key); err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.Store.PutIfNone(r.t.Context(), key, []byte(body)); err != nil {
		r.t.Fatal(err)
	}
}

// TestWhatALockSaysOfTimeDoesNotCount: clocks jump; only how long a lock stood
// still before our own eyes decides.
func TestWhatALockSaysOfTimeDoesNotCount(t *testing.T) {
	f := fixtures(t)[1]
	for _, since := range []string{"1970-01-01T00:00:00Z", "2999-01-01T00:00:00Z"} {
		r := f.start(t)
		r.put("lock", `{"holder":"someone","apply":"a1","since":"`+since+`","nonce":"n"}`)
		began := r.Clock.Now()
		r.applyAll(f.after)
		if waited := r.Clock.Now().Sub(began); waited < 2*time.Minute || waited > 3*time.Minute {
			t.Errorf("a lock since %s is waited for %s", since, waited)
		}
		r.settled(f.after)
	}
}

func TestALockThatMovesIsLeftAlone(t *testing.T) {
	f := fixtures(t)[1]
	r := f.start(t)
	p := r.plan(f.after)
	moves := 0
	gate := func(call string, phase sandbox.Phase) error {
		if call == "get lock" && phase == sandbox.Before {
			moves++
			r.put("lock", `{"holder":"ada","apply":"a1","since":"2026-03-01T09:00:00Z","nonce":"n`+strings.Repeat("x", moves)+`"}`)
		}
		return nil
	}
	e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: gate})
	if err != nil {
		t.Fatal(err)
	}
	_, err = e.Apply(t.Context(), p)
	if !errors.Is(err, applier.ErrLocked) || !strings.Contains(err.Error(), "ada for apply a1 since 2026-03-01T09:00:00Z") || len(r.Effects) > 0 {
		t.Errorf("%v, %v", err, r.Effects)
	}
}

func TestABrokenLock(t *testing.T) {
	f := fixtures(t)[1]
	for _, body := range []string{"", "{", `{"holder":"x"}`, "\x00\x01", "null"} {
		r := f.start(t)
		p := r.cut(f)
		r.put("lock", body)
		e := r.engine(f.after)
		if _, _, err := e.Applier.ReadLock(t.Context()); !errors.Is(err, applier.ErrTorn) || !strings.Contains(err.Error(), "lock break") {
			t.Errorf("%q: %v", body, err)
		}
		if _, err := e.Applier.Resume(t.Context(), p.ID); !errors.Is(err, applier.ErrTorn) {
			t.Errorf("%q: resumed under a lock that cannot be read: %v", body, err)
		}
		if _, err := e.Applier.BreakLock(t.Context()); err != nil {
			t.Errorf("%q: %v", body, err)
		}
		r.goOn(f.after, p)
		r.atDesired(f)
	}
}

// TestDamagedRecordsStop: nothing is written on records with a hole, a torn one
// or an altered plan, and the message names the record.
func TestDamagedRecordsStop(t *testing.T) {
	f := fixtures(t)[1]
	for name, damage := range map[string]struct {
		do   func(r rig, at string)
		want string
	}{
		"a hole": {func(r rig, at string) { _ = r.Store.Delete(r.t.Context(), at+"000001") }, "000001 is missing"},
		"torn":   {func(r rig, at string) { r.put(at+"000001", string(r.Store.Bodies()[at+"000001"][:40])) }, "000001"},
		"an altered plan": {func(r rig, at string) {
			r.put(at+"000000", strings.Replace(string(r.Store.Bodies()[at+"000000"]), "sim-classic", "sim-elastic", 1))
		}, "record 0"},
	} {
		t.Run(name, func(t *testing.T) {
			r := f.start(t)
			r.t = t
			p := r.cut(f)
			if _, err := r.engine(f.after).Applier.BreakLock(t.Context()); err != nil {
				t.Fatal(err)
			}
			damage.do(r, "applies/"+p.ID+"/")
			written := len(r.Effects)
			_, err := r.engine(f.after).Applier.Resume(t.Context(), p.ID)
			if err == nil || !strings.Contains(err.Error(), "DC315") || !strings.Contains(err.Error(), damage.want) || len(r.Effects) != written {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestReservedAddresses(t *testing.T) {
	f := fixtures(t)[0]
	r := f.start(t)
	p := r.cut(f)
	e := r.engine(f.after)
	again, err := e.Plan(t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Apply(t.Context(), again); err == nil || !strings.Contains(err.Error(), "DC311") || !strings.Contains(err.Error(), "--supersede "+p.ID) {
		t.Fatalf("reserved addresses: %v", err)
	}
	if _, err := e.Applier.Supersede(t.Context(), "none"); err == nil || !strings.Contains(err.Error(), "DC307") {
		t.Errorf("superseded what is not open: %v", err)
	}
	r.ended(e.Applier.Supersede(t.Context(), p.ID))
	if again, err = e.Plan(t.Context(), engine.PlanOptions{Allow: []string{"archive"}}); err == nil {
		r.ended(e.Apply(t.Context(), again))
	}
	r.atDesired(f)
}

// TestInterruptedAnywhere: a person stops the apply while a call is in flight.
// The call ends, the records say how it stands, the lock is free.
func TestInterruptedAnywhere(t *testing.T) {
	f := fixtures(t)[0]
	start := f.start(t)
	p := start.plan(f.after)
	sides := start.copy().count(f, p)
	for k := 0; k < sides; k += 7 {
		r := start.copy()
		ctx, cancel := context.WithCancel(t.Context())
		n := 0
		var mu sync.Mutex
		gate := func(string, sandbox.Phase) error {
			mu.Lock()
			defer mu.Unlock()
			if n++; n > k {
				cancel()
			}
			return nil
		}
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: gate, Parallelism: 3})
		if err != nil {
			t.Fatal(err)
		}
		res, err := e.Apply(ctx, p)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) || err == nil && res.Outcome != applier.PausedOutcome && res.Outcome != applier.EndedOutcome {
			t.Fatalf("interrupted after %d: %+v, %v", k, res, err)
		}
		if l, _, err := e.Applier.ReadLock(t.Context()); err != nil || !l.Free {
			t.Fatalf("interrupted after %d: the lock is %+v, %v", k, l, err)
		}
		r.goOn(f.after, p)
		r.atDesired(f)
		if t.Failed() {
			t.Fatalf("interrupted after %d", k)
		}
	}
}

// TestParallelStepsKilled: with several steps at once, where a kill strikes is
// the runtime's choice; what holds afterwards is not.
func TestParallelStepsKilled(t *testing.T) {
	f := fixtures(t)[0]
	start := f.start(t)
	p := start.plan(f.after)
	sides := start.copy().count(f, p)
	for k := 0; k < sides; k += 5 {
		r := start.copy()
		e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: sim.KillAfter(k).Gate, Parallelism: 6})
		if err == nil {
			_, _ = e.Apply(t.Context(), p)
		}
		again, err := r.Process(t.Context(), f.after, sim.Options{Holder: "again", Parallelism: 6})
		if err != nil {
			t.Fatal(err)
		}
		res, err := again.Applier.Resume(t.Context(), p.ID)
		if applier.IsMissing(err) {
			res, err = again.Apply(t.Context(), p)
		}
		r.ended(res, err)
		if r.plan(f.after).Changed() || t.Failed() {
			t.Fatalf("killed after %d", k)
		}
	}
}
