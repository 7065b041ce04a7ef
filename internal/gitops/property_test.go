package gitops_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/sim"
)

// TestWhateverHappens: commits, looks that are lost or doubled, and controllers that
// die anywhere, two of them in turns. In the end the newest commit was applied last, no
// commit was applied twice in a row, in no other order than the branch's, and none that
// was over before anybody looked.
func TestWhateverHappens(t *testing.T) {
	base := newRig(t)
	var commits []string // prepared, so that a case costs no compile
	for i := range 5 {
		commits = append(commits, base.commit([]string{"modern-before", "modern"}[i%2], "package domino", fmt.Sprint("package domino // ", i)))
		base.turn()
	}
	fresh := newRig(t)
	fresh.repo, fresh.compiled = base.repo, base.compiled
	rapid.Check(t, func(rt *rapid.T) {
		r := fresh.copy()
		at, seen := -1, map[string]bool{}
		move := func() {
			if at < len(commits)-1 {
				at++
			}
			r.git("update-ref", "refs/heads/main", commits[at])
		}
		move()
		look := func(kill *sim.Kill) {
			seen[commits[at]] = true
			_, _ = r.desk(kill).Turn(t.Context())
		}
		for range rapid.IntRange(1, 8).Draw(rt, "events") {
			switch rapid.SampledFrom([]string{"push", "look", "twice", "die"}).Draw(rt, "event") {
			case "push": // its webhook is lost
				move()
			case "look":
				look(sim.KillAfter(-1))
			case "twice":
				look(sim.KillAfter(-1))
				look(sim.KillAfter(-1))
			case "die":
				look(sim.KillAfter(rapid.IntRange(0, 250).Draw(rt, "after")))
			}
		}
		var last gitops.Turned
		for range 3 {
			seen[commits[at]] = true
			got, err := r.desk(sim.KillAfter(-1)).Turn(t.Context())
			if err != nil {
				rt.Fatal(err)
			}
			last = got
		}
		if last.Head.Commit != commits[at] || last.Head.Stage != gitops.Done || last.Worked {
			rt.Fatalf("%+v, want %s", last, commits[at])
		}
		e, err := r.machine.Process(t.Context(), r.compiled.has[commits[at]], sim.Options{Holder: "test"})
		if err != nil {
			rt.Fatal(err)
		}
		if p, err := e.Plan(t.Context(), engine.PlanOptions{Allow: []string{"archive"}}); err != nil || !p.Empty() {
			rt.Fatalf("there is something left to do: %+v, %v", p.Changes, err)
		}
		applied := r.applied()
		order := func(c string) int { return slices.Index(commits, c) }
		if !slices.IsSortedFunc(applied, func(a, b string) int { return order(a) - order(b) }) || len(slices.Compact(slices.Clone(applied))) != len(applied) {
			rt.Fatalf("applied %s", strings.Join(applied, " "))
		}
		for _, c := range applied {
			if !seen[c] {
				rt.Fatalf("%s was over before anybody looked, and was applied", c)
			}
		}
	})
}
