package planner

import (
	"slices"
	"testing"

	"domctl.dev/schema"
)

// TestRestoreLetsGoBeforeItDeletes, also where a step that wrote nothing stands
// between what was made and who uses it.
func TestRestoreLetsGoBeforeItDeletes(t *testing.T) {
	image, user := Ref("flat/o#image"), Ref("flat/o#user")
	made := Done{Step: Step{ID: "made", Address: addr(tier), Op: "flat.make", Object: image, Creates: "id"}}
	looked := Done{Step: Step{ID: "looked", Address: addr(tier), Op: "flat.look", Object: image, After: []string{"made"}}}
	switched := update(user, "image", 1, 2)
	switched.Step.After = []string{"looked"}
	undo := func(d Done) ([]Step, error) {
		return []Step{{ID: "undo/made", Address: d.Step.Address, Op: "flat.delete", Object: image, Writes: map[string]schema.Value{"": {}}}}, nil
	}
	p, _, err := Restore(snapshot(made, looked, switched), past{raw: map[Ref]Raw{image: {"x": schema.JSON(1)}, user: {"image": schema.JSON(2)}}, undo: undo}, Source{}, "r1")
	if err != nil || len(p.Steps) != 2 || p.Steps[1].Op != "flat.delete" || !slices.Contains(p.Steps[1].After, p.Steps[0].ID) {
		t.Errorf("%+v %v", p.Steps, err)
	}
}
