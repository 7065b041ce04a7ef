package planner

import (
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
