package worldtest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const (
	poolPage  = "Karpenter, Concepts, NodePools"
	classPage = "Karpenter, Concepts, NodeClasses"
	claimPage = "Karpenter, Concepts, NodeClaims"
	disrupted = "Karpenter, Concepts, Disruption"
)

func karpenterCases() []Case {
	return []Case{
		{Name: "NodePools/Read", Source: poolPage, run: nodePoolsRead},
		{Name: "NodePools/Default", Source: disrupted + ", NodePool Disruption Budgets", run: nodePoolsDefault},
		{Name: "NodePools/Hold", Source: disrupted + ", NodePool Disruption Budgets", run: nodePoolsHold},
		{Name: "NodePools/HoldMoved", Source: moment, run: nodePoolsMoved},
		{Name: "NodePools/HoldUnknown", Source: moment, run: nodePoolsUnknown},
		{Name: "NodePools/Limits", Source: poolPage + ", spec.limits", run: nodePoolsLimits},
		{Name: "NodeClasses/Read", Source: classPage, run: nodeClassesRead},
		{Name: "NodeClasses/Terms", Source: classPage + ", spec.amiSelectorTerms, spec.amiFamily", run: nodeClassesTerms},
		{Name: "NodeClasses/Refused", Source: classPage + ", spec.amiFamily", run: nodeClassesRefused},
		{Name: "NodeClaims/Read", Source: claimPage, run: nodeClaimsRead},
		{Name: "NodeClaims/Delete", Source: disrupted + ", Manual Methods", run: nodeClaimsDelete},
		{Name: "NodeClaims/DeleteUnknown", Source: "Kubernetes, API concepts, preconditions", run: nodeClaimsUnknown},
	}
}

// NodePoolExample is a NodePool with all that is read of one.
func NodePoolExample(name string) port.NodePool {
	return port.NodePool{Name: name, Class: "nodes", Budgets: []string{`{"nodes":"10%"}`, `{"duration":"8h0m0s","nodes":"0","reasons":["Underutilized"],"schedule":"0 9 * * mon-fri"}`},
		Limits: map[string]string{"cpu": `"500m"`, "memory": `"256Gi"`, "nvidia.com/gpu": `8`}, Limited: port.Resources{MilliCPU: 500, Memory: 256 << 30},
		Labels: map[string]string{"dominodatalab.com/node-pool": "gpu"}, Taints: []port.Taint{{Key: "nvidia.com/gpu", Value: "true", Effect: "NoSchedule"}},
		InstanceTypes: []string{"g5.2xlarge", "g5.4xlarge"}, Zones: []string{"us-west-2a"}, ExpireAfter: "Never", Consolidates: "WhenEmpty", ConsolidateAfter: "30s"}
}

// NodeClassExample is an EC2NodeClass whose terms name one id.
func NodeClassExample(name string) port.NodeClass {
	return port.NodeClass{Name: name, Terms: `[{"id":"ami-0123456789abcdef0"}]`, Family: "AL2023", Blocks: `[{"deviceName":"/dev/xvda","ebs":{"volumeSize":"200Gi"}}]`}
}

// NodeClaimExample is a NodeClaim whose node joined.
func NodeClaimExample(name string) port.NodeClaim {
	return port.NodeClaim{Name: name, Pool: "gpu", Class: "nodes", Node: "ip-" + name, Instance: "i-0123456789abcdef0", Image: "ami-0123456789abcdef0"}
}

func found[T any](t *testing.T, all []T, err error, is func(T) bool) T {
	t.Helper()
	must(t, err)
	i := slices.IndexFunc(all, is)
	if i < 0 {
		t.Fatalf("it is not among %+v", all)
	}
	return all[i]
}

func thePool(t *testing.T, w World, name string) port.NodePool {
	t.Helper()
	all, err := w.Karpenter.ListNodePools(background())
	return found(t, all, err, func(p port.NodePool) bool { return p.Name == name })
}

func theClass(t *testing.T, w World, name string) port.NodeClass {
	t.Helper()
	all, err := w.Karpenter.ListNodeClasses(background())
	return found(t, all, err, func(c port.NodeClass) bool { return c.Name == name })
}

func theClaim(t *testing.T, w World, name string) port.NodeClaim {
	t.Helper()
	all, err := w.Karpenter.ListNodeClaims(background())
	return found(t, all, err, func(c port.NodeClaim) bool { return c.Name == name })
}

func nodePoolsRead(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	got, want := thePool(t, w, "gpu"), NodePoolExample("gpu")
	if got.UID == "" || got.Version == "" {
		t.Errorf("uid %q, version %q", got.UID, got.Version)
	}
	want.UID, want.Version = got.UID, got.Version
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// nodePoolsDefault: what a NodePool does not state, the API server states.
func nodePoolsDefault(t *testing.T, w World) {
	w.Put.NodePool(t, port.NodePool{Name: "small", Class: "nodes"})
	p := thePool(t, w, "small")
	if !slices.Equal(p.Budgets, []string{`{"nodes":"10%"}`}) || p.ExpireAfter != "720h" || p.Consolidates != "WhenEmptyOrUnderutilized" || p.ConsolidateAfter != "0s" || p.DriftHeld() || len(p.Limits) > 0 || p.Fixed {
		t.Errorf("%+v", p)
	}
}

func nodePoolsHold(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	w.Put.NodePool(t, NodePoolExample("other"))
	was := thePool(t, w, "gpu")
	must(t, w.Karpenter.HoldDrift(background(), was, "domctl 1"))
	held := thePool(t, w, "gpu")
	if !held.DriftHeld() || held.HeldBy != "domctl 1" || !slices.Equal(held.Budgets, append(slices.Clone(was.Budgets), port.DriftHold)) || held.Version == was.Version {
		t.Errorf("held: %+v", held)
	}
	must(t, w.Karpenter.HoldDrift(background(), held, "domctl 2"))
	again := thePool(t, w, "gpu")
	if again.HeldBy != "domctl 2" || !slices.Equal(again.Budgets, held.Budgets) {
		t.Errorf("held again: %+v", again)
	}
	must(t, w.Karpenter.HoldDrift(background(), again, ""))
	got := thePool(t, w, "gpu")
	if was.Version = got.Version; !reflect.DeepEqual(got, was) {
		t.Errorf("let go of:\n got %+v\nwant %+v", got, was)
	}
	must(t, w.Karpenter.HoldDrift(background(), got, ""))
	if other := thePool(t, w, "other"); other.DriftHeld() || other.HeldBy != "" {
		t.Errorf("the other one is held: %+v", other)
	}
}

func nodePoolsMoved(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	was := thePool(t, w, "gpu")
	must(t, w.Karpenter.HoldDrift(background(), was, "domctl 1"))
	for name, err := range map[string]error{
		"hold":   w.Karpenter.HoldDrift(background(), was, "domctl 2"),
		"limits": w.Karpenter.SetLimits(background(), was, map[string]string{"cpu": `"1"`}),
	} {
		if !errors.Is(err, port.ErrState) {
			t.Errorf("%s of a version that is over: %v, want ErrState", name, err)
		}
	}
	if got := thePool(t, w, "gpu"); got.HeldBy != "domctl 1" || got.Limits["cpu"] != was.Limits["cpu"] {
		t.Errorf("it was written all the same: %+v", got)
	}
}

func nodePoolsUnknown(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	p := thePool(t, w, "gpu")
	for name, other := range map[string]func(*port.NodePool){
		"gone":       func(p *port.NodePool) { p.Name = "b" },
		"no name":    func(p *port.NodePool) { p.Name = "" },
		"no UID":     func(p *port.NodePool) { p.UID = "" },
		"no version": func(p *port.NodePool) { p.Version = "" },
		"a path":     func(p *port.NodePool) { p.Name = "../nodeclaims" },
	} {
		of := p
		other(&of)
		if err := w.Karpenter.HoldDrift(background(), of, "domctl 1"); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	p.UID = "00000000-0000-0000-0000-000000000000"
	if err := w.Karpenter.HoldDrift(background(), p, "domctl 1"); !errors.Is(err, port.ErrNotFound) && !errors.Is(err, port.ErrState) {
		t.Errorf("another UID: %v, want ErrNotFound", err)
	}
	if thePool(t, w, "gpu").DriftHeld() {
		t.Error("it is held")
	}
}

func nodePoolsLimits(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	was := thePool(t, w, "gpu")
	must(t, w.Karpenter.SetLimits(background(), was, map[string]string{"cpu": `"64"`, "memory": ""}))
	got := thePool(t, w, "gpu")
	if want := map[string]string{"cpu": `"64"`, "nvidia.com/gpu": `8`}; !reflect.DeepEqual(got.Limits, want) || got.Limited.MilliCPU != 64000 || got.Limited.Memory != 0 {
		t.Errorf("limits %v, want %v", got.Limits, want)
	}
	must(t, w.Karpenter.SetLimits(background(), got, map[string]string{"cpu": was.Limits["cpu"], "memory": was.Limits["memory"]}))
	if got = thePool(t, w, "gpu"); !reflect.DeepEqual(got.Limits, was.Limits) || !slices.Equal(got.Budgets, was.Budgets) {
		t.Errorf("back: %+v", got)
	}
}

func nodeClassesRead(t *testing.T, w World) {
	w.Put.NodeClass(t, NodeClassExample("nodes"))
	got, want := theClass(t, w, "nodes"), NodeClassExample("nodes")
	if got.UID == "" || got.Version == "" || got.Image() != "ami-0123456789abcdef0" {
		t.Errorf("%+v", got)
	}
	want.UID, want.Version, want.Images, want.Fault, want.FaultSince = got.UID, got.Version, got.Images, got.Fault, got.FaultSince // which Karpenter tells
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

// nodeClassesTerms: a class that follows an alias goes to one id, and back to what it was.
func nodeClassesTerms(t *testing.T, w World) {
	w.Put.NodeClass(t, port.NodeClass{Name: "follows", Terms: `[{"alias":"al2023@v20260301"}]`})
	was := theClass(t, w, "follows")
	if was.Image() != "" || was.Family != "" || port.TermsFollow(was.Terms) != "alias al2023@v20260301" {
		t.Errorf("%+v", was)
	}
	must(t, w.Karpenter.SetImageTerms(background(), was, port.TermsOf("ami-0123456789abcdef1"), "AL2023"))
	got := theClass(t, w, "follows")
	if got.Image() != "ami-0123456789abcdef1" || got.Family != "AL2023" || got.Version == was.Version {
		t.Errorf("%+v", got)
	}
	if err := w.Karpenter.SetImageTerms(background(), was, was.Terms, ""); !errors.Is(err, port.ErrState) {
		t.Errorf("a version that is over: %v, want ErrState", err)
	}
	must(t, w.Karpenter.SetImageTerms(background(), got, was.Terms, ""))
	if got = theClass(t, w, "follows"); got.Terms != was.Terms || got.Family != "" || got.UID != was.UID {
		t.Errorf("back: %+v, want %+v", got, was)
	}
}

func nodeClassesRefused(t *testing.T, w World) {
	w.Put.NodeClass(t, port.NodeClass{Name: "follows", Terms: `[{"alias":"al2023@v20260301"}]`})
	was := theClass(t, w, "follows")
	for what, terms := range map[string]string{"no family": port.TermsOf("ami-0123456789abcdef1"), "no terms": `[]`} {
		if err := w.Karpenter.SetImageTerms(background(), was, terms, ""); !errors.Is(err, port.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", what, err)
		}
	}
	gone := was
	gone.Name = "none"
	if err := w.Karpenter.SetImageTerms(background(), gone, was.Terms, "AL2023"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("gone: %v, want ErrNotFound", err)
	}
	if got := theClass(t, w, "follows"); got.Version != was.Version {
		t.Errorf("it was written all the same: %+v", got)
	}
}

func nodeClaimsRead(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	w.Put.NodeClaim(t, NodeClaimExample("gpu-1"))
	got, want := theClaim(t, w, "gpu-1"), NodeClaimExample("gpu-1")
	if got.UID == "" || got.Created.IsZero() || got.Going {
		t.Errorf("%+v", got)
	}
	want.UID, want.Created = got.UID, got.Created
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func nodeClaimsDelete(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	w.Put.NodeClaim(t, NodeClaimExample("gpu-1"))
	w.Put.NodeClaim(t, NodeClaimExample("gpu-2"))
	was := theClaim(t, w, "gpu-1")
	must(t, w.Karpenter.DeleteNodeClaim(background(), was))
	if got := theClaim(t, w, "gpu-1"); !got.Going {
		t.Errorf("its end has not begun: %+v", got)
	}
	must(t, w.Karpenter.DeleteNodeClaim(background(), was))
	if theClaim(t, w, "gpu-2").Going {
		t.Error("the other one ends too")
	}
	w.Settle(t)
	all := value(w.Karpenter.ListNodeClaims(background()))(t)
	if slices.ContainsFunc(all, func(c port.NodeClaim) bool { return c.Name == "gpu-1" }) {
		t.Errorf("it is there: %+v", all)
	}
	if err := w.Karpenter.DeleteNodeClaim(background(), was); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("when it is gone: %v, want ErrNotFound", err)
	}
}

func nodeClaimsUnknown(t *testing.T, w World) {
	w.Put.NodePool(t, NodePoolExample("gpu"))
	w.Put.NodeClaim(t, NodeClaimExample("gpu-1"))
	c := theClaim(t, w, "gpu-1")
	for name, other := range map[string]func(*port.NodeClaim){
		"another UID": func(c *port.NodeClaim) { c.UID = "00000000-0000-0000-0000-000000000000" },
		"gone":        func(c *port.NodeClaim) { c.Name = "gpu-2" },
		"no name":     func(c *port.NodeClaim) { c.Name = "" },
		"no UID":      func(c *port.NodeClaim) { c.UID = "" },
		"a path":      func(c *port.NodeClaim) { c.Name = "../nodepools" },
	} {
		of := c
		other(&of)
		if err := w.Karpenter.DeleteNodeClaim(background(), of); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if theClaim(t, w, "gpu-1").Going {
		t.Error("it ends")
	}
}

func pagedKarpenter() []paged {
	has := func(w World) bool { return w.Karpenter != nil }
	return []paged{
		{"ListNodePools", chunks, has, func(t *testing.T, w World) {
			for i := range w.Many {
				w.Put.NodePool(t, NodePoolExample(fmt.Sprint("n", i)))
			}
		}, func(w World) (int, error) {
			all, err := w.Karpenter.ListNodePools(background())
			return len(all), err
		}},
		{"ListNodeClasses", chunks, has, func(t *testing.T, w World) {
			for i := range w.Many {
				w.Put.NodeClass(t, NodeClassExample(fmt.Sprint("n", i)))
			}
		}, func(w World) (int, error) {
			all, err := w.Karpenter.ListNodeClasses(background())
			return len(all), err
		}},
		{"ListNodeClaims", chunks, has, func(t *testing.T, w World) {
			w.Put.NodePool(t, NodePoolExample("gpu"))
			for i := range w.Many {
				w.Put.NodeClaim(t, NodeClaimExample(fmt.Sprint("n", i)))
			}
		}, func(w World) (int, error) {
			all, err := w.Karpenter.ListNodeClaims(background())
			return len(all), err
		}},
	}
}
