package engine_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
)

// karpenter is a fixture of pools whose nodes Karpenter starts: two NodePools that share a
// class, one of which holds drift by itself, and one whose class follows an alias.
func karpenter(t *testing.T) fixture {
	t.Helper()
	f := fixture{name: "karpenter", before: compiled(t, "karpenter-before"), after: compiled(t, "karpenter")}
	var err error
	if f.content, err = os.ReadFile("../sim/testdata/karpenter/sandbox.json"); err != nil {
		t.Fatal(err)
	}
	return f
}

// claims are what Karpenter has, in words: images by NodePool, budgets, terms, cordons.
func (r rig) claims() string {
	r.t.Helper()
	w, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	claims, err := w.ListNodeClaims(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	pools, err := w.ListNodePools(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	classes, err := w.ListNodeClasses(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	nodes, err := w.ListNodes(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	var all []string
	for _, p := range pools {
		var images []string
		for _, c := range claims {
			if c.Pool == p.Name && !c.Going {
				images = append(images, strings.TrimLeft(c.Image, "ami-0"))
			}
		}
		slices.Sort(images)
		all = append(all, fmt.Sprint(p.Name, images, len(p.Budgets), p.HeldBy))
	}
	for _, c := range classes {
		all = append(all, strings.ReplaceAll(c.Terms, "ami-0000000000000000", "")+c.Family)
	}
	for _, n := range nodes {
		stays := slices.ContainsFunc(claims, func(c port.NodeClaim) bool { return c.Node == n.Name && !c.Going })
		if n.Cordoned && stays {
			all = append(all, "cordoned "+n.Name)
		}
	}
	return strings.Join(all, " ")
}

const (
	karpenterOld = `gpu-a[] 1 gpu-b[] 2 small[1] 1 [{"id":"1"}]AL2023 [{"alias":"al2023@v20260301"}]`
	karpenterNew = `gpu-a[] 1 gpu-b[] 2 small[2] 1 [{"id":"2"}]AL2023 [{"id":"2"}]AL2023`
)

// TestKarpenterRollsAndBack: every node is of the new image, and after a rollback the
// classes stand exactly as they did, as do budgets and limits.
func TestKarpenterRollsAndBack(t *testing.T) {
	t.Parallel()
	f := karpenter(t)
	r := f.start(t)
	p := r.applyAll(f.after)
	if got := r.claims(); got != karpenterNew {
		t.Errorf("%s\nwant %s", got, karpenterNew)
	}
	if again := r.plan(f.after); !again.Empty() {
		t.Errorf("the second plan is not empty: %+v", again.Steps)
	}
	e := r.engine(f.after)
	back, err := e.Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(e.Apply(t.Context(), back))
	if got := r.claims(); got != karpenterOld {
		t.Errorf("%s\nwant %s", got, karpenterOld)
	}
}

// sides are those of an apply that nothing kills.
func (r rig) sides(f fixture, p planner.Plan) []string {
	r.t.Helper()
	k := sim.KillAfter(-1)
	e, err := r.process(f.after, k)
	if err != nil {
		r.t.Fatal(err)
	}
	r.ended(e.Apply(r.t.Context(), p))
	return k.Sides()
}

// writes says that a side is of a write to the outside, or of a record of the apply.
func writes(side string) bool {
	return slices.ContainsFunc([]string{" putIfNone applies/", "HoldDrift", "SetImageTerms", "SetLimits", "SetCordoned", "EvictPod", "DeleteNodeClaim"}, func(call string) bool { return strings.Contains(side, call) })
}

// ends applies in a process that is killed after k sides. Kubernetes that does not answer is
// waited for, so that who is dead must not go on waiting.
func (r rig) ends(f fixture, p planner.Plan, k int) {
	r.t.Helper()
	kill := sim.KillAfter(k)
	ctx, cancel := context.WithCancel(r.t.Context())
	defer cancel()
	gate := func(call string, phase sandbox.Phase) error {
		err := kill.Gate(call, phase)
		if err != nil {
			cancel()
		}
		return err
	}
	e, err := r.Process(ctx, f.after, sim.Options{Holder: "test", Gate: gate})
	if err == nil {
		_, err = e.Apply(ctx, p)
	}
	if ctx.Err() == nil {
		r.t.Fatalf("killed after %d: it went on: %v", k, err)
	}
}

// TestKarpenterKilledAtEveryCall: wherever a process dies, the next one goes on to the same
// end, by the same writes.
func TestKarpenterKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	f := karpenter(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	sides := whole.sides(f, p)
	if got := whole.claims(); got != karpenterNew {
		t.Fatal(got)
	}
	for k, side := range sides {
		if !writes(side) && k%31 != 0 { // a death between two reads is as one before both
			continue
		}
		r := start.copy()
		r.ends(f, p, k)
		r.goOn(f.after, p)
		if got := r.claims(); got != karpenterNew {
			t.Fatalf("killed after %d: %s", k, got)
		}
		if got, want := r.Told(), whole.Told(); !slices.Equal(got, want) {
			t.Fatalf("killed after %d: wrote\n%s\nwant\n%s", k, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	t.Logf("%d sides of calls:\n%s", len(sides), strings.Join(whole.Told(), "\n"))
}

// TestKarpenterTakenBackWhereItDied: wherever a process dies, a rollback has the old image,
// terms and budgets again, and no cordon stays.
func TestKarpenterTakenBackWhereItDied(t *testing.T) {
	t.Parallel()
	f := karpenter(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	for k, side := range whole.sides(f, p) {
		if !writes(side) || k%2 == 0 {
			continue
		}
		r := start.copy()
		r.ends(f, p, k)
		if open, err := r.engine(f.after).Applier.OpenApplies(t.Context()); err != nil || len(open) == 0 {
			continue
		}
		r.back(f, p.ID, sim.KillAfter(-1))
		got := r.claims()
		for _, want := range []string{"] 1 ", `[{"id":"1"}]AL2023 [{"alias":"al2023@v20260301"}]`} {
			if !strings.Contains(got, want) || strings.Contains(got, "domctl") || strings.Contains(got, "cordoned") || strings.Contains(got, "2] 1") {
				t.Fatalf("killed after %d: %s", k, got)
			}
		}
	}
}
