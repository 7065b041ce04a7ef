package planner

import (
	"fmt"
	"slices"
	"testing"

	"domctl.dev/schema"
)

// TestWavesComeOneAfterAnother: each step of a wave after all of the one before that
// has any, whatever their order by address.
func TestWavesComeOneAfterAnother(t *testing.T) {
	of := schema.Address{Kind: "amis", Name: "gpu"}
	steps := inWaves([]Step{{ID: "made"}, {ID: "a", After: []string{"made"}}, {ID: "b", After: []string{"made"}}, {ID: "c"}, {ID: "z"}},
		map[string]Wave{"a": {of, 3}, "b": {of, 0}, "z": {of, 1}})
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	if want := []string{"made", "b", "c", "z", "a"}; !slices.Equal(ids, want) {
		t.Errorf("%v, want %v", ids, want)
	}
	if !slices.Equal(steps[3].After, []string{"b"}) || !slices.Equal(steps[4].After, []string{"made", "z"}) {
		t.Errorf("z after %v, a after %v", steps[3].After, steps[4].After)
	}
}

// TestOrderOfManySteps keeps to the order of steps where nothing says otherwise,
// and does not look through all of them for each.
func TestOrderOfManySteps(t *testing.T) {
	const n = 100_000
	steps := make([]Step, n)
	for i := range steps {
		steps[i].ID = fmt.Sprint(i)
		if i%2 == 0 { // each but the odd ones waits for the last
			steps[i].After = []string{fmt.Sprint(n - 1)}
		}
	}
	out := ordered(steps)
	if len(out) != n || out[0].ID != "1" || out[n/2-1].ID != fmt.Sprint(n-1) || out[n/2].ID != "0" || out[n-1].ID != fmt.Sprint(n-2) {
		t.Errorf("%d steps: %s … %s %s … %s", len(out), out[0].ID, out[n/2-1].ID, out[n/2].ID, out[n-1].ID)
	}
	circle := ordered([]Step{{ID: "a", After: []string{"b"}}, {ID: "b", After: []string{"a"}}, {ID: "c"}, {ID: "d", After: []string{"gone"}}})
	if len(circle) != 4 || circle[0].ID != "c" || circle[1].ID != "a" || circle[3].ID != "d" {
		t.Errorf("with a circle: %v", circle)
	}
}

// TestWavesOfOneObject: steps on one object are a chain in the order of waves, also
// where the later wave's pool comes first, since a tier refers to it.
func TestWavesOfOneObject(t *testing.T) {
	of := schema.Address{Kind: "amis", Name: "executor"}
	steps, err := link([]Step{{ID: "late", Object: "template", Creates: "version"},
		{ID: "default", Object: "template", Writes: map[string]schema.Value{"default": OutOf("late", "version")}}, {ID: "early", Object: "template"}},
		map[string]Wave{"late": {of, 1}, "default": {of, 1}, "early": {of, 0}})
	var ids []string
	for _, s := range steps {
		ids = append(ids, s.ID)
	}
	if err != nil || !slices.Equal(ids, []string{"early", "late", "default"}) || len(steps[0].After) != 0 {
		t.Errorf("%v %v, %v", ids, steps[0].After, err)
	}
}
