package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

// rolling is a fixture of pools that are rolled, each its own way; few has one node in a
// group, and instances that come and go quickly.
func rolling(t *testing.T, few bool) fixture {
	t.Helper()
	f := deployment(t, "rolling")
	if few {
		f.content = bytes.ReplaceAll(bytes.ReplaceAll(f.content, []byte(`"desired": 2`), []byte(`"desired": 1`)), []byte(`"takes": "40s"`), []byte(`"takes": "1s"`))
	}
	return f
}

// grid is what the groups hold, in words: images, sizes, cordons.
func (r rig) grid() string {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	groups, err := w.DescribeAutoScalingGroups(r.t.Context(), nil)
	if err != nil {
		r.t.Fatal(err)
	}
	var all []string
	for _, g := range groups {
		members, err := w.DescribeAutoScalingInstances(r.t.Context(), []string{g.Name})
		if err != nil {
			r.t.Fatal(err)
		}
		var ids, images []string
		for _, m := range members {
			if m.Lifecycle == "InService" {
				ids = append(ids, m.ID)
			}
		}
		machines, err := w.DescribeInstances(r.t.Context(), port.Select{IDs: append(ids, "i-none")})
		if err != nil {
			r.t.Fatal(err)
		}
		for _, m := range machines {
			images = append(images, strings.TrimLeft(m.Image, "ami-0"))
		}
		slices.Sort(images)
		all = append(all, fmt.Sprint(g.Name, images, g.Desired))
	}
	nodes, err := w.ListNodes(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range nodes {
		if n.Cordoned && n.Ready {
			all = append(all, "cordoned "+n.Name)
		}
	}
	return strings.Join(all, " ")
}

// TestRollsAndBack: every node is of the new image, and after a rollback of the old one.
func TestRollsAndBack(t *testing.T) {
	t.Parallel()
	rollsAndBack(t, rolling(t, false), rig.grid,
		"demand-a[2] 1 refreshed-a[2 2] 2 surging-a[2 2] 2 surging-b[2] 1 workers-asg[2 2] 2",
		"demand-a[1] 1 refreshed-a[1 1] 2 surging-a[1 1] 2 surging-b[1] 1 workers-asg[1 1] 2")
}

// TestRollsKilledAtEveryCall: wherever a process dies, the next one goes on to the same
// end, by the same writes.
func TestRollsKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	sides := rollsOn(t, rolling(t, true), every(1), rig.grid, "demand-a[2] 1 refreshed-a[2] 1 surging-a[2] 1 surging-b[2] 1 workers-asg[2] 1")
	if !slices.ContainsFunc(sides, func(side string) bool { return strings.Contains(side, "ListExecutions") }) {
		t.Error("Domino is not asked which runs are live")
	}
}

// TestRollsTakenBackWhereTheyDied: wherever a process dies, a rollback has the old image and
// the old nodes' like again, and no cordon stays.
func TestRollsTakenBackWhereTheyDied(t *testing.T) {
	t.Parallel()
	takenBack(t, rolling(t, true), every(9), rig.grid, func(got string) bool {
		return got == "demand-a[1] 1 refreshed-a[1] 1 surging-a[1] 1 surging-b[1] 1 workers-asg[1] 1"
	})
}

// TestNodesOfAnotherImage: what a roll that was let go of left, and a node that stayed when the
// group was switched by hand, are a difference, and the plan that rolls them leaves none.
func TestNodesOfAnotherImage(t *testing.T) {
	t.Parallel()
	f := rolling(t, false)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	sides, uneven := whole.count(f, p), 0
	for k := sides / 20; k < sides; k += sides / 7 {
		r := start.copy()
		r.dies(f, p, k)
		e := r.engine(f.after)
		if _, err := e.Applier.Supersede(t.Context(), p.ID); err != nil {
			t.Fatalf("killed after %d: %v", k, err)
		}
		if got := r.grid(); strings.Contains(got, "cordoned") {
			t.Errorf("killed after %d: %s", k, got)
		}
		rest := r.plan(f.after)
		for _, c := range rest.Changes {
			for _, d := range c.Fields {
				if strings.HasSuffix(d.Path, ".nodes") {
					uneven++
				}
			}
		}
		r.ended(r.engine(f.after).Apply(t.Context(), rest))
		if got := r.grid(); strings.Contains(got, "[1") || strings.Contains(got, " 1]") || strings.Contains(got, "cordoned") {
			t.Errorf("killed after %d: %s", k, got)
		}
		if again := r.plan(f.after); !again.Empty() {
			t.Errorf("killed after %d: the second plan is not empty: %+v", k, again.Steps)
		}
		back, err := r.engine(f.after).Rollback(t.Context(), rest.ID, engine.RollbackOptions{})
		if err != nil || slices.ContainsFunc(back.Findings, func(f schema.Finding) bool { return f.Severity == schema.Error }) {
			t.Errorf("killed after %d: %+v, %v", k, back.Findings, err)
		}
	}
	if uneven == 0 {
		t.Error("no plan found a node of another image")
	}
}
