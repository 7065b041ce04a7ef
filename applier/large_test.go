package applier_test

import (
	"fmt"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// large is an applier over the records of one apply of n steps, all of them done.
func large(t *testing.T, n int) *applier.Applier {
	t.Helper()
	plan := planner.Plan{Format: 1, ID: "a1", Settle: map[schema.Address]*schema.Entry{}}
	records := []applier.Record{{Kind: applier.KindPlan, Plan: &plan}, {Kind: applier.KindPre}}
	for i := range n {
		step := planner.Step{ID: fmt.Sprintf("step-%06d", i), Address: schema.Address{Kind: "settings", Name: fmt.Sprint(i)}}
		plan.Steps, plan.Settle[step.Address] = append(plan.Steps, step), nil
		records = append(records, applier.Record{Kind: applier.KindBegin, Step: step.ID}, applier.Record{Kind: applier.KindDone, Step: step.ID})
	}
	return keeping(t, map[string][]byte{"applies/a1/000000": []byte(schema.JSON(map[string]any{"nonce": "n", "records": records}).Text)})
}

// TestAnApplyOfManySteps is read in a time that grows with the steps, not with
// their square.
func TestAnApplyOfManySteps(t *testing.T) {
	took := func(n int) time.Duration {
		a, best := large(t, n), time.Hour
		for range 7 { // the first reads the record, too
			began := time.Now()
			s, err := a.Summary(t.Context(), "a1")
			if err != nil || s.Done != n || len(s.Touched) != n {
				t.Fatal(s.Done, len(s.Touched), err)
			}
			if snapshot, err := a.Snapshot(t.Context(), "a1"); err != nil || len(snapshot.Done) != n {
				t.Fatal(len(snapshot.Done), err)
			}
			best = min(best, time.Since(began))
		}
		return best
	}
	few, many := took(1_000), took(8_000)
	t.Logf("1,000 steps: %s, 8,000: %s", few, many)
	if many > 40*few {
		t.Errorf("eight times the steps take %s, one time %s", many, few)
	}
}
