package world

import (
	"strings"
	"testing"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestEveryOperationHasACommand, so that a person can always do what domctl
// would have done.
func TestEveryOperationHasACommand(t *testing.T) {
	for op := range operations() {
		step := Manual{Apply: "a", Step: planner.Step{ID: "s", Op: op, Object: "x#a/1", Writes: map[string]schema.Value{}, Args: map[string]schema.Value{}}, Pre: planner.Raw{}}
		tools := 0
		for _, write := range []func(planner.World, []Manual) (string, int){Mongosh, AWS} {
			text, n := write(planner.World{}, []Manual{step})
			if tools += n; strings.Contains(text, noCommand) {
				t.Errorf("%s has no command", op)
			}
		}
		if tools != 1 {
			t.Errorf("%s is in %d scripts", op, tools)
		}
	}
	if text, n := AWS(planner.World{}, []Manual{{Step: planner.Step{Op: "ec2.Unheard"}}}); n != 1 || !strings.Contains(text, noCommand) {
		t.Error("an operation without a command is left out")
	}
}
