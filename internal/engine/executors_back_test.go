package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/sim"
)

// ringing is the deployment of executors, with an alarm that rings while those of tier small
// are in maintenance, before the first could be ended.
func ringing(t *testing.T) fixture {
	t.Helper()
	f := deployment(t, "executors")
	at := f.start(t).Clock.Now().Add(time.Minute).UTC().Format(time.RFC3339)
	f.content = bytes.Replace(f.content, []byte(`"errors": {}`), fmt.Appendf(nil, `"errors": {"from": %q, "reason": "5 of 5 runs failed", "rings": true}`, at), 1)
	return f
}

// rung is what stands once tier small was turned back, and tier large was not.
func (r rig) rung() string {
	r.t.Helper()
	content := string(r.Box.Content())
	return fmt.Sprintf("%s, old image %d, new image %d", r.yard(), strings.Count(content, `"executorImage": "ami-00000000000000001"`), strings.Count(content, `"executorImage": "ami-00000000000000002"`))
}

const rungBack = "[1 2 4 5], old image 1, new image 1"

// TestAnAlarmTurnsExecutorsBack: their group starts the old image again, no executor of the new
// one is left, and another tier goes on. A rollback takes back what is left.
func TestAnAlarmTurnsExecutorsBack(t *testing.T) {
	t.Parallel()
	f := ringing(t)
	r := f.start(t)
	before := r.known()
	p := r.plan(f.after)
	res, err := r.engine(f.after).Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || len(res.Why) != 1 || !strings.Contains(res.Why[0], "DC838: ") || !strings.Contains(res.Why[0], "5 of 5 runs failed. It was turned back: executor group") || r.rung() != rungBack {
		t.Fatalf("%+v, %v: %s", res, err, r.rung())
	}
	for id, doc := range r.known() {
		if doc != before[id] && slices.Contains([]string{"1", "2", "4"}, strings.TrimLeft(id, "i-0")) {
			t.Errorf("%s is %s, was %s", id, doc, before[id])
		}
	}
	r.staysFailed(f, p.ID)
	r.back(f, p.ID, sim.KillAfter(-1))
	if got := r.rung(); got != "[1 2 4 5], old image 2, new image 0" {
		t.Error(got)
	}
}

// TestAnAlarmOfExecutorsKilled: wherever a process dies, the next one turns the roll back all
// the same, and a rollback has the old image in all tiers.
func TestAnAlarmOfExecutorsKilled(t *testing.T) {
	t.Parallel()
	f := ringing(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	k := sim.KillAfter(-1)
	e, err := whole.process(f.after, k)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := e.Apply(t.Context(), p); err != nil || res.Outcome != applier.FailedOutcome || whole.rung() != rungBack {
		t.Fatalf("%+v, %v: %s", res, err, whole.rung())
	}
	for k := range k.Sides() {
		r := start.copy()
		r.dies(f, p, k)
		e := r.engine(f.after)
		if open, err := e.Applier.OpenApplies(t.Context()); err == nil && len(open) > 0 && k%7 == 0 {
			back := r.copy()
			back.back(f, p.ID, sim.KillAfter(-1))
			if got := back.rung(); strings.Contains(got, "maintenance") || !strings.Contains(got, "4 5") || !strings.HasSuffix(got, "old image 2, new image 0") {
				t.Fatalf("killed after %d, and taken back: %s", k, got)
			}
		}
		res, err := e.Applier.Resume(t.Context(), p.ID)
		if applier.IsMissing(err) {
			res, err = e.Apply(t.Context(), p)
		}
		if err != nil || res.Outcome != applier.FailedOutcome || r.rung() != rungBack {
			t.Fatalf("killed after %d: %+v, %v: %s", k, res, err, r.rung())
		}
	}
	t.Logf("%d sides of calls", len(k.Sides()))
}
