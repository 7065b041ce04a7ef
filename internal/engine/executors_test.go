package engine_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// yard is which instances there are, and which are in maintenance.
func (r rig) yard() string {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	all, err := w.DescribeInstances(r.t.Context(), port.Select{Filters: map[string][]string{"instance-state-name": {"pending", "running", "stopping", "stopped"}}})
	if err != nil {
		r.t.Fatal(err)
	}
	docs, err := w.Find(r.t.Context(), port.Query{Collection: "executors", Any: map[string][]string{"state.maintenance": {"true"}}})
	if err != nil {
		r.t.Fatal(err)
	}
	var out []string
	for _, i := range all {
		name := strings.TrimLeft(i.ID, "i-0")
		if slices.ContainsFunc(docs, func(d port.Document) bool { return strings.Contains(d["instanceId"], i.ID) }) {
			name += " in maintenance"
		}
		out = append(out, name)
	}
	return fmt.Sprint(out)
}

// TestExecutorsRollAndBack: every executor of the tiers that is on the old image is ended, and
// after a rollback those of the new one; no other instance is.
func TestExecutorsRollAndBack(t *testing.T) {
	t.Parallel()
	r := rollsAndBack(t, deployment(t, "executors"), rig.yard, "[4 5 6]", "[4 5]")
	if n := strings.Count(string(r.Box.Content()), `"executorImage": "ami-00000000000000001"`); n != 2 {
		t.Errorf("%d tiers start the old image", n)
	}
}

// TestExecutorsKilledAtEveryCall: wherever a process dies, the next one goes on to the same
// end.
func TestExecutorsKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	rollsOn(t, deployment(t, "executors"), every(1), rig.yard, "[4 5 6]")
}

// TestExecutorsTakenBackWhereTheyDied: wherever a process dies, a rollback has the old image
// again, and nothing stays in maintenance.
func TestExecutorsTakenBackWhereTheyDied(t *testing.T) {
	t.Parallel()
	takenBack(t, deployment(t, "executors"), every(3), rig.yard, func(got string) bool {
		return !strings.Contains(got, "maintenance") && strings.Contains(got, "4 5")
	})
}

// TestExecutorsOfAnotherImage: what a roll that was let go of left is a difference, and the plan
// that rolls it leaves none. A rollback of that has nothing to replace.
func TestExecutorsOfAnotherImage(t *testing.T) {
	t.Parallel()
	f := deployment(t, "executors")
	start := f.start(t)
	p := start.plan(f.after)
	sides, uneven := start.copy().count(f, p), 0
	for k := sides / 7; k < sides; k += sides / 9 {
		r := start.copy()
		r.dies(f, p, k)
		if _, err := r.engine(f.after).Applier.Supersede(t.Context(), p.ID); err != nil {
			t.Fatalf("killed after %d: %v", k, err)
		}
		rest := r.plan(f.after)
		for _, c := range rest.Changes {
			for _, d := range c.Fields {
				if d.Path == "executors" {
					uneven++
				}
			}
		}
		r.ended(r.engine(f.after).Apply(t.Context(), rest))
		if got := r.yard(); got != "[4 5 6]" {
			t.Errorf("killed after %d: %s", k, got)
		}
		if again := r.plan(f.after); !again.Empty() {
			t.Errorf("killed after %d: the second plan is not empty: %+v", k, again.Steps)
		}
		if switches := slices.ContainsFunc(rest.Steps, func(s planner.Step) bool { return s.Op != operation.RollExecutors }); len(rest.Steps) == 0 || switches {
			continue
		}
		back, err := r.engine(f.after).Rollback(t.Context(), rest.ID, engine.RollbackOptions{})
		if err != nil || len(back.Steps) > 0 {
			t.Errorf("killed after %d: %+v, %v", k, back.Steps, err)
		}
	}
	if uneven == 0 {
		t.Error("no plan found an executor of another image")
	}
}

// TestAForgedRollOfExecutorsIsRefused: which instances are executors, and which field is their
// maintenance, the files say.
func TestAForgedRollOfExecutorsIsRefused(t *testing.T) {
	f := deployment(t, "executors")
	r := f.start(t)
	for name, c := range map[string]struct {
		change func(*planner.Step, *schema.Executors)
		says   string
	}{
		"as made":         {func(*planner.Step, *schema.Executors) {}, ""},
		"other tags":      {func(_ *planner.Step, e *schema.Executors) { e.Tags = map[string]string{"role": "web"} }, "is for executors other than the files say"},
		"no tags":         {func(_ *planner.Step, e *schema.Executors) { e.Tags = nil }, "is for executors other than the files say"},
		"another field":   {func(_ *planner.Step, e *schema.Executors) { e.Known.Fields["maintenance"] = "isAdmin" }, "is for executors other than the files say"},
		"another tier":    {func(_ *planner.Step, e *schema.Executors) { e.Named = []string{"other"} }, "is for executors other than the files say"},
		"another outside": {func(s *planner.Step, _ *schema.Executors) { s.Object = "mongo/users#a" }, "has an operation for other objects"},
		"the template":    {func(_ *planner.Step, e *schema.Executors) { e.Kept = nil }, "is for executors other than the files say"},
		"another's image": {switchesBack(func(s *planner.Step) { s.Object = "mongo/executor_group_configuration#b" }), "has another write than the one that takes its switch back"},
		"another image":   {switchesBack(func(s *planner.Step) { s.Writes["executorImage"] = schema.JSON("ami-3") }), "has another write than the one that takes its switch back"},
		"a field more":    {switchesBack(func(s *planner.Step) { s.Writes["a"] = schema.JSON(1) }), "has another write than the one that takes its switch back"},
		"another switch":  {switchesBack(func(s *planner.Step) { s.Op = operation.DeleteDocument }), "has another write than the one that takes its switch back"},
		"no condition":    {switchesBack(func(s *planner.Step) { s.Guard = planner.Absolute }), "has another write than the one that takes its switch back"},
		"no switch":       {func(s *planner.Step, _ *schema.Executors) { delete(s.Args, "switch") }, ""},
		"a write":         {func(s *planner.Step, _ *schema.Executors) { s.Writes = map[string]schema.Value{"a": schema.JSON(1)} }, "has an operation for other objects"},
	} {
		p := r.saved(f)
		for i, s := range p.Steps {
			if s.Op != operation.RollExecutors {
				continue
			}
			var e schema.Executors
			if err := json.Unmarshal([]byte(s.Args["executors"].Text), &e); err != nil {
				t.Fatal(err)
			}
			c.change(&p.Steps[i], &e)
			p.Steps[i].Args["executors"] = schema.JSON(e)
			break
		}
		err := r.engine(f.after).Fits(p.Sealed())
		if c.says == "" && err != nil || c.says != "" && (!errors.Is(err, planner.ErrAltered) || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v, want %q", name, err, c.says)
		}
	}
}

// switchesBack changes what a roll of executors would have its group switched back by.
func switchesBack(change func(*planner.Step)) func(*planner.Step, *schema.Executors) {
	return func(s *planner.Step, _ *schema.Executors) {
		var back planner.Step
		if err := json.Unmarshal([]byte(s.Args["switch"].Text), &back); err != nil {
			panic(err)
		}
		change(&back)
		s.Args["switch"] = schema.JSON(back)
	}
}

// TestExecutorsKilledOnTheWayBack: wherever a rollback dies, the next process ends with the old
// image, nothing in maintenance, and what Domino knows of executors that stay as it was.
func TestExecutorsKilledOnTheWayBack(t *testing.T) {
	t.Parallel()
	f := deployment(t, "executors")
	start := f.start(t)
	before := start.known()
	p := start.plan(f.after)
	sides := start.copy().count(f, p)
	for k, stride := range map[int]int{sides: 7, sides / 2: 23, sides / 3: 29, 2 * sides / 3: 19} {
		died := start.copy()
		if k < sides {
			died.dies(f, p, k)
		} else {
			died.count(f, p)
		}
		for j := 0; ; j += stride {
			r := died.copy()
			killed := r.back(f, p.ID, sim.KillAfter(j))
			if got := r.yard(); strings.Contains(got, "maintenance") || !strings.Contains(got, "4 5") {
				t.Fatalf("apply killed after %d, rollback after %d: %s", k, j, got)
			}
			for id, doc := range r.known() {
				if doc != before[id] && strings.Contains(r.yard(), strings.TrimLeft(id, "i-0")) {
					t.Fatalf("apply killed after %d, rollback after %d: %s is %s, was %s", k, j, id, doc, before[id])
				}
			}
			if n := strings.Count(string(r.Box.Content()), `"executorImage": "ami-00000000000000001"`); n != 2 {
				t.Fatalf("apply killed after %d, rollback after %d: %d tiers start the old image", k, j, n)
			}
			if !killed {
				t.Logf("apply killed after %d of %d: %d sides of the way back", k, sides, j)
				break
			}
		}
	}
}

// known is what Domino's database holds of each executor.
func (r rig) known() map[string]string {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	docs, err := w.Find(r.t.Context(), port.Query{Collection: "executors"})
	if err != nil {
		r.t.Fatal(err)
	}
	out := map[string]string{}
	for _, d := range docs {
		out[strings.Trim(d["instanceId"], `"`)] = schema.JSON(d).Text
	}
	return out
}
