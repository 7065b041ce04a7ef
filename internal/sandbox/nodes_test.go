package sandbox

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/worldtest"
)

func amountOf(r port.Resources) amount {
	return amount{MilliCPU: r.MilliCPU, Memory: r.Memory, Pods: r.Pods, Other: r.Other}
}

func (c *seeder) node(t *testing.T, n port.Node) {
	of := node{Allocatable: amountOf(n.Allocatable), Capacity: amountOf(n.Capacity), Instance: n.Instance, Labels: n.Labels, Zone: n.Zone}
	for _, has := range n.Taints {
		of.Taints = append(of.Taints, taint{Effect: has.Effect, Key: has.Key, Value: has.Value})
	}
	for _, c := range n.Conditions {
		of.Conditions = append(of.Conditions, nodeCondition{Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message, Since: c.Since.Format(time.RFC3339)})
	}
	if !n.Ready {
		of.Ready = "never"
	}
	c.change(t, func(s *state) { put(&s.cluster.Nodes, n.Name, of) })
}

func (c *seeder) pod(t *testing.T, p port.Pod) {
	of := pod{Labels: p.Labels, LocalData: p.LocalData, Mirror: p.Mirror, Node: p.Node, Owner: p.Owner, OwnerKind: p.OwnerKind, Phase: p.Phase,
		Requests: amountOf(p.Requests), Unscheduled: p.Unscheduled}
	c.change(t, func(s *state) { put(&s.cluster.Pods, p.Namespace+"/"+p.Name, of) })
}

func (c *seeder) budget(t *testing.T, b worldtest.Budget) {
	c.change(t, func(s *state) {
		put(&s.cluster.Budgets, b.Namespace+"/"+b.Name, budget{Labels: b.Labels, MinAvailable: b.MinAvailable})
	})
}

// TestGroupsInstancesAreNodes: an instance of a group joins when it runs, is ready after a
// while, and its node goes with it; pods of controllers move on, others go too.
func TestGroupsInstancesAreNodes(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	m, err := NewMemory("memory", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2",
		"autoScalingGroups": {"acme-a": {"desired": 1, "max": 2, "min": 0, "tags": {"k8s.io/cluster-autoscaler/node-template/label/dominodatalab.com/node-pool": "default"}, "zones": ["us-west-2a"]},
			"acme-b": {"desired": 1, "max": 2, "min": 0}},
		"instances": {"i-1": {"image": "ami-1", "privateIP": "10.0.0.4", "settles": "2026-03-31T12:01:00Z", "state": "pending", "tags": {"aws:autoscaling:groupName": "acme-a"}, "type": "m5.2xlarge"},
			"i-2": {"image": "ami-1", "privateIP": "10.0.0.5", "settles": "2026-03-31T12:01:00Z", "state": "pending", "tags": {"aws:autoscaling:groupName": "acme-b"}, "type": "m5.2xlarge"},
			"i-3": {"image": "ami-1", "privateIP": "10.0.0.6", "type": "m5.2xlarge"}}},
		"kubernetes": {"unready": ["acme-b"],
			"pods": {"domino-compute/run": {"node": "ip-10-0-0-4.us-west-2.compute.internal"},
				"domino-platform/web": {"ownerKind": "ReplicaSet", "owner": "web", "requests": {"milliCPU": 1000}, "selector": {"dominodatalab.com/node-pool": "default"}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := view(t, m, Options{Clock: func() time.Time { return now }, Settle: time.Minute})
	shows := func(want string) []port.Node {
		t.Helper()
		nodes, err := w.ListNodes(t.Context())
		pods, err2 := w.ListPods(t.Context(), "")
		got := ""
		for _, n := range nodes {
			got += fmt.Sprintf("%s %s ready=%v cordoned=%v; ", n.Name[:len("ip-10-0-0-4")], n.Labels["dominodatalab.com/node-pool"], n.Ready, n.Cordoned)
		}
		for _, p := range pods {
			got += fmt.Sprintf("%s %s on %.11s; ", p.Name, p.Phase, p.Node)
		}
		if got != want || err != nil || err2 != nil {
			t.Errorf("at %s\n got %s\nwant %s\n%v %v", now.Format(time.TimeOnly), got, want, err, err2)
		}
		return nodes
	}
	shows("web Pending on ; ")
	now = now.Add(time.Minute)
	shows("ip-10-0-0-4 default ready=false cordoned=false; ip-10-0-0-5  ready=false cordoned=false; run Running on ip-10-0-0-4; web Pending on ; ")
	now = now.Add(time.Minute)
	nodes := shows("ip-10-0-0-4 default ready=true cordoned=false; ip-10-0-0-5  ready=false cordoned=false; run Running on ip-10-0-0-4; web Running on ip-10-0-0-4; ")
	if nodes[0].Capacity.MilliCPU != 8000 || nodes[0].Allocatable.MilliCPU != 7900 || nodes[0].Instance != "i-1" || nodes[0].Zone != "us-west-2a" || nodes[0].Labels[port.TypeLabel] != "m5.2xlarge" {
		t.Errorf("%+v", nodes[0])
	}
	if err := w.SetCordoned(t.Context(), nodes[0], true, "me"); err != nil {
		t.Fatal(err)
	}
	shows("ip-10-0-0-4 default ready=true cordoned=true; ip-10-0-0-5  ready=false cordoned=false; run Running on ip-10-0-0-4; web Running on ip-10-0-0-4; ")
	if err := w.TerminateInstance(t.Context(), "i-1"); err != nil {
		t.Fatal(err)
	}
	shows("ip-10-0-0-5  ready=false cordoned=false; web Pending on ; ")
}

// TestEvictedPods: what a controller makes anew comes back elsewhere, a node's own pods on
// the same node, and what nobody controls stays away.
func TestEvictedPods(t *testing.T) {
	now := time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)
	m, err := NewMemory("memory", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "kubernetes": {
		"nodes": {"a": {"allocatable": {"milliCPU": 4000, "memory": 1000, "pods": 5}, "cordoned": true}, "b": {"allocatable": {"milliCPU": 1000, "memory": 1000, "pods": 5}}},
		"pods": {"x/gpu": {"node": "a", "ownerKind": "Job", "owner": "gpu", "requests": {"other": {"nvidia.com/gpu": 1}}},
			"x/log": {"node": "a", "ownerKind": "DaemonSet", "owner": "log"},
			"x/run": {"node": "a"},
			"x/set-0": {"node": "a", "ownerKind": "StatefulSet", "owner": "set", "requests": {"milliCPU": 1000}},
			"x/set-1": {"node": "a", "ownerKind": "StatefulSet", "owner": "set", "requests": {"milliCPU": 1000}},
			"x/soon": {"node": "b", "finishes": "2026-03-31T12:00:30Z"}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	w := view(t, m, Options{Clock: func() time.Time { return now }, Settle: time.Minute})
	pods := podsOf(t, w, "a")
	for _, p := range pods {
		if err := w.EvictPod(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	now = now.Add(time.Minute)
	got := ""
	for _, p := range podsOf(t, w, "") {
		got += fmt.Sprintf("%s %s on %s; ", p.Name, p.Phase, p.Node)
	}
	if want := "gpu Pending on ; log Running on a; set-0 Running on b; set-1 Pending on ; soon Succeeded on b; "; got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if err := w.EvictPod(t.Context(), pods[3]); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("the set's last pod is taken for its next: %v", err)
	}
}

func podsOf(t *testing.T, w *World, node string) []port.Pod {
	t.Helper()
	pods, err := w.ListPods(t.Context(), node)
	if err != nil {
		t.Fatal(err)
	}
	return pods
}
