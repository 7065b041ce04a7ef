package engine_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
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
