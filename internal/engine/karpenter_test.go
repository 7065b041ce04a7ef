package engine_test

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
)

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
	rollsAndBack(t, deployment(t, "karpenter"), rig.claims, karpenterNew, karpenterOld)
}

// writes says that a side is of a write to the outside, or of a record of the apply.
func writes(side string) bool {
	return slices.ContainsFunc([]string{" putIfNone applies/", "HoldDrift", "SetImageTerms", "SetLimits", "SetCordoned", "EvictPod", "DeleteNodeClaim"}, func(call string) bool { return strings.Contains(side, call) })
}

// TestKarpenterKilledAtEveryCall: wherever a process dies, the next one goes on to the same
// end, by the same writes. A death between two reads is as one before both.
func TestKarpenterKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	rollsOn(t, deployment(t, "karpenter"), func(k int, side string) bool { return writes(side) || k%31 == 0 }, rig.claims, karpenterNew)
}

// TestKarpenterTakenBackWhereItDied: wherever a process dies, a rollback has the old image,
// terms and budgets again, and no cordon stays.
func TestKarpenterTakenBackWhereItDied(t *testing.T) {
	t.Parallel()
	takenBack(t, deployment(t, "karpenter"), func(k int, side string) bool { return writes(side) && k%2 == 1 }, rig.claims, func(got string) bool {
		return strings.Contains(got, "] 1 ") && strings.Contains(got, `[{"id":"1"}]AL2023 [{"alias":"al2023@v20260301"}]`) &&
			!strings.Contains(got, "domctl") && !strings.Contains(got, "cordoned") && !strings.Contains(got, "2] 1")
	})
}

// karpenterBack is what stands once the class of one pool was turned back, and that of the
// other, which starts no node, was switched.
const karpenterBack = `gpu-a[] 1 gpu-b[] 2 small[1] 1 [{"id":"2"}]AL2023 [{"alias":"al2023@v20260301"}]`

// unreadyClaims is the fixture of Karpenter's pools, with an image whose nodes never get ready,
// and with few of them.
func unreadyClaims(t *testing.T) fixture {
	t.Helper()
	f := deployment(t, "karpenter")
	f.content = bytes.Replace(f.content, []byte(`"kubernetes": {`), []byte(`"kubernetes": {"unready": ["ami-00000000000000002"], `), 1)
	f.content = bytes.Replace(f.content, []byte(`"takes": "40s"`), []byte(`"takes": "3m"`), 1)
	return f
}

// switched are the writes to classes and NodePools. How many nodes Karpenter starts in vain is
// a matter of time.
func switched(told []string) []string {
	return slices.DeleteFunc(told, func(call string) bool {
		return !strings.Contains(call, "SetImageTerms") && !strings.Contains(call, "HoldDrift")
	})
}

// settledClaims are the claims once Karpenter had the time to start what pods wait for.
func (r rig) settledClaims() string {
	r.t.Helper()
	if err := r.Clock.Sleep(r.t.Context(), 10*time.Minute); err != nil {
		r.t.Fatal(err)
	}
	return r.claims()
}

// TestAFailedRollOfAClassTurnsBack: the class stands as it did, and its pool has the old image;
// nothing more is written by who looks again, and nothing is left for a rollback but the pool
// that was rolled.
func TestAFailedRollOfAClassTurnsBack(t *testing.T) {
	t.Parallel()
	f := unreadyClaims(t)
	r := f.start(t)
	p := r.plan(f.after)
	res, err := r.engine(f.after).Apply(t.Context(), p)
	if err != nil || res.Outcome != applier.FailedOutcome || len(res.Why) != 1 || !strings.Contains(res.Why[0], "DC833: ") || !strings.Contains(res.Why[0], "It was turned back: EC2NodeClass small is as it was") {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := r.settledClaims(); got != karpenterBack {
		t.Error(got)
	}
	r.staysFailed(f, p.ID)
	r.back(f, p.ID, sim.KillAfter(-1))
	if got := r.settledClaims(); got != karpenterOld {
		t.Error(got)
	}
}

// TestAClassWhoseNodesNeverJoin is turned back: a claim without a node is left to Karpenter,
// which gives it up.
func TestAClassWhoseNodesNeverJoin(t *testing.T) {
	t.Parallel()
	f := deployment(t, "karpenter")
	f.content = bytes.Replace(f.content, []byte(`"kubernetes": {`), []byte(`"kubernetes": {"unready": ["small"], `), 1)
	r := f.start(t)
	res, err := r.engine(f.after).Apply(t.Context(), r.plan(f.after))
	if err != nil || res.Outcome != applier.FailedOutcome || len(res.Why) != 1 || !strings.Contains(res.Why[0], "DC833: ") || !strings.Contains(res.Why[0], "It was turned back: EC2NodeClass small is as it was") {
		t.Fatalf("%+v, %v", res, err)
	}
	if got := r.settledClaims(); got != karpenterBack {
		t.Error(got)
	}
	deleted := strings.Join(r.Told(), "\n")
	if n := strings.Count(deleted, `DeleteNodeClaim ["small-`); n != 2 {
		t.Errorf("%d claims of the pool were deleted, not the two that had nodes:\n%s", n, deleted)
	}
}

// TestAFailedRollOfAClassKilled: after whichever write a process dies, the next one turns the
// roll back all the same, and writes to the classes and NodePools nothing twice.
func TestAFailedRollOfAClassKilled(t *testing.T) {
	t.Parallel()
	f := unreadyClaims(t)
	start := f.start(t)
	p := start.plan(f.after)
	whole := start.copy()
	kill := sim.KillAfter(-1)
	e, err := whole.process(f.after, kill)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := e.Apply(t.Context(), p); err != nil || res.Outcome != applier.FailedOutcome {
		t.Fatalf("%+v, %v", res, err)
	}
	n := 0
	for k, side := range kill.Sides() {
		if !writes(side) || strings.Contains(side, " putIfNone ") && k%5 > 0 {
			continue
		}
		n++
		r := start.copy()
		r.dies(f, p, k)
		e := r.engine(f.after)
		res, err := e.Applier.Resume(t.Context(), p.ID)
		if applier.IsMissing(err) {
			res, err = e.Apply(t.Context(), p)
		}
		if got := r.settledClaims(); err != nil || res.Outcome != applier.FailedOutcome || got != karpenterBack {
			t.Fatalf("killed after %d, %s: %+v, %v: %s", k, side, res, err, got)
		}
		if got, want := switched(r.Told()), switched(whole.Told()); !slices.Equal(got, want) {
			t.Fatalf("killed after %d, %s: wrote\n%s\nwant\n%s", k, side, strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	t.Logf("%d of %d sides of calls", n, len(kill.Sides()))
}
