package world

import (
	"context"
	"maps"
	"reflect"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/aws"
	"domctl.dev/internal/bake"
	"domctl.dev/internal/build"
	"domctl.dev/internal/port"
	"domctl.dev/internal/probe"
	"domctl.dev/internal/roll"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func longRows() applier.Operations {
	all := bake.Maker{}.Operations()
	maps.Copy(all, build.Builder{}.Operations())
	maps.Copy(all, build.Creator{}.Operations())
	maps.Copy(all, (&probe.Prober{}).Operations())
	maps.Copy(all, (&roll.Roller{}).Operations())
	return all
}

// TestEveryRowIsWhole, so that a person can always do what domctl would have done,
// and what takes objects away again is known.
func TestEveryRowIsWhole(t *testing.T) {
	w := &World{Long: longRows()}
	for op, row := range w.Operations() {
		if row.Executor == nil || len(row.Calls) == 0 || row.Command == nil {
			t.Errorf("%s: %+v", op, row)
		}
		step := applier.Manual{Apply: "a", Step: planner.Step{ID: "s", Op: op, Object: "x#a/1", Writes: map[string]schema.Value{}, Args: map[string]schema.Value{}}, Pre: planner.Raw{}}
		tools := 0
		for _, tool := range []string{"mongosh", "aws", "curl", "kubectl"} {
			text, n, ok := w.Script(tool, planner.World{}, []applier.Manual{step})
			if tools += n; !ok || strings.Contains(text, "knows no command") {
				t.Errorf("%s has no command", op)
			}
		}
		if tools != 1 {
			t.Errorf("%s is in %d scripts", op, tools)
		}
	}
	for _, tool := range []string{"mongosh", "aws", "curl", "kubectl"} {
		if text, n, _ := w.Script(tool, planner.World{}, []applier.Manual{{Step: planner.Step{Op: "ec2.Unheard"}}}); n != 1 || !strings.Contains(text, "knows no command") {
			t.Error("an operation without a command is left out")
		}
	}
}

// TestRowsCallWhatPermissionsSay: what a row writes is what the policy of an apply
// allows, and nothing that no row writes.
func TestRowsCallWhatPermissionsSay(t *testing.T) {
	unused := map[string]bool{}
	for _, p := range aws.Permissions(aws.Apply) {
		if system, _, _ := strings.Cut(p.Call, ":"); system != "s3" && system != "kms" { // which are the records'
			unused[p.Call] = true
		}
	}
	for _, p := range aws.Permissions(aws.Plan) {
		delete(unused, p.Call)
	}
	allowed := maps.Clone(unused)
	for op, row := range (&World{Long: longRows()}).Operations() {
		for _, call := range row.Calls {
			_, document := reflect.TypeFor[port.Documents]().MethodByName(call)
			_, domino := reflect.TypeFor[port.Domino]().MethodByName(call)
			_, nodes := reflect.TypeFor[port.Grid]().MethodByName(call)
			if delete(unused, call); !allowed[call] && !document && !domino && !nodes {
				t.Errorf("%s calls %s, which no permission speaks of", op, call)
			}
		}
	}
	if len(unused) > 0 {
		t.Errorf("no row calls %v", schema.Sorted(unused))
	}
}

// long is an executor that is not of this package.
type long struct{ applier.Executor }

func (long) Observe(context.Context, applier.Attempt) (applier.Status, error) {
	return applier.Status{Why: "long"}, nil
}

// TestLongRowsAreAsGoodAsOwn: executor, way back and command of another package's
// row are found; a script names what a step that is not done gives.
func TestLongRowsAreAsGoodAsOwn(t *testing.T) {
	undone := planner.Step{ID: "undo", Object: "x/y#z"}
	w := &World{Long: applier.Operations{"bake.make": {Executor: long{}, Tool: "aws", Calls: []string{"ec2:RunInstances"},
		Undo:    func(planner.Done) []planner.Step { return []planner.Step{undone} },
		Command: func(m applier.Manual) string { return m.Names[m.Step.ID] + "=$(bake)" }}}}
	ex, ok := w.Executor("bake.make")
	if st, err := ex.Observe(t.Context(), applier.Attempt{}); !ok || err != nil || st.Why != "long" {
		t.Errorf("%v, %v, %v", st, err, ok)
	}
	v := w.newView(schema.Desired{}, schema.Applied{})
	if back, err := v.Undo(planner.Done{Step: planner.Step{Op: "bake.make"}}); err != nil || len(back) != 1 || back[0].Object != undone.Object {
		t.Errorf("%v, %v", back, err)
	}
	text, n, _ := w.Script("aws", planner.World{}, []applier.Manual{{Step: planner.Step{ID: "b", Op: "bake.make", Creates: "image"}},
		{Step: planner.Step{ID: "m", Op: "ec2.ModifyLaunchTemplate", Object: "ec2/template#lt-1", Writes: map[string]schema.Value{"default": planner.OutOf("b", "image")}}}})
	if n != 2 || !strings.Contains(text, "image1=$(bake)") || !strings.Contains(text, `--default-version "$image1"`) {
		t.Errorf("%d steps:\n%s", n, text)
	}
}
