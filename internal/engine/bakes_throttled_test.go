package engine_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// several is a result whose one baked entry stands under so many names.
func several(c compiler.Result, n int) compiler.Result {
	c.Desired.Objects = maps.Clone(c.Desired.Objects)
	for i := range n - 1 {
		a := schema.Address{Kind: "amis", Name: fmt.Sprintf("executor%d", i+2)}
		c.Desired.Objects[a] = c.Desired.Objects[schema.Address{Kind: "amis", Name: "executor"}]
	}
	return c
}

// TestBakesSideBySideThrottled: several images are baked side by side, no more calls at
// once than allowed; EC2 throttles each call that a bake writes with, twice by name, and
// each is made again for as often: one image of each entry, and no instance is left.
func TestBakesSideBySideThrottled(t *testing.T) {
	const entries, beside = 4, 3
	f := bakingFixture(t)
	f.after = several(f.after, entries)
	r := f.start(t)
	p := r.plan(f.after)
	writes := []string{"RunInstance", "StopInstance", "CreateImage", "TerminateInstance", "CreateTags"}
	var mu sync.Mutex
	throttled, done, running, most := map[string]int{}, map[string]int{}, 0, 0
	gate := func(call string, phase sandbox.Phase) error {
		mu.Lock()
		defer mu.Unlock()
		if !slices.Contains(writes, call) {
			return nil
		}
		if phase == sandbox.After {
			done[call]++
			running--
			return nil
		}
		if throttled[call] < 2 {
			throttled[call]++
			return port.ErrThrottled
		}
		running++
		most = max(most, running)
		return nil
	}
	e, err := r.Process(t.Context(), f.after, sim.Options{Holder: "test", Gate: gate, Parallelism: beside, Report: func(ev applier.Event) {
		if strings.Contains(ev.Why, "<nil>") {
			t.Errorf("%s: %s", ev.Step.ID, ev.Why)
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(e.Apply(t.Context(), p))
	want := map[string]int{"RunInstance": 2 * entries, "StopInstance": entries, "CreateImage": entries, "TerminateInstance": 2 * entries, "CreateTags": done["CreateTags"]}
	if !maps.Equal(done, want) || done["CreateTags"] < entries {
		t.Errorf("done %v, want %v", done, want)
	}
	for _, call := range writes {
		if throttled[call] != 2 {
			t.Errorf("%s was throttled %d times", call, throttled[call])
		}
	}
	if most > beside {
		t.Errorf("%d calls at once, %d are allowed", most, beside)
	}
	if again := r.plan(f.after); len(again.Steps) != 0 {
		t.Errorf("%d steps are left to do", len(again.Steps))
	}
}
