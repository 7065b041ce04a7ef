package worldtest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// NodeSpace is the namespace of the pods that the contract makes.
const NodeSpace = "domino-compute"

const (
	chunks   = "Kubernetes, API concepts, Retrieving large results sets in chunks"
	moment   = "Kubernetes, API concepts, Resource versions"
	evicting = "Kubernetes, API-initiated Eviction"
	budgets  = "Kubernetes, Specifying a Disruption Budget for your Application"
)

func nodeCases() []Case {
	return []Case{
		{Name: "Nodes/Read", Source: "Kubernetes API, Node v1", run: nodesRead},
		{Name: "Nodes/Ready", Source: "Kubernetes, Node Status, Conditions", run: nodesReady},
		{Name: "Nodes/Cordon", Source: "Kubernetes, Manual Node administration", run: nodesCordon},
		{Name: "Nodes/CordonMoved", Source: moment, run: nodesMoved},
		{Name: "Nodes/CordonUnknown", Source: moment, run: nodesUnknown},
		{Name: "Pods/Read", Source: "Kubernetes API, Pod v1", run: podsRead},
		{Name: "Pods/Evicted", Source: evicting, run: podsEvicted},
		{Name: "Pods/EvictUnknown", Source: evicting + ", 404; API concepts, preconditions", run: podsUnknown},
		{Name: "Pods/EvictAgain", Source: evicting, run: podsAgain},
		{Name: "Budgets/Allow", Source: budgets, run: budgetsAllow},
		{Name: "Budgets/Forbid", Source: evicting + ", 429 Too Many Requests", run: budgetsForbid},
		{Name: "Budgets/Others", Source: budgets + ", selectors are of a namespace", run: budgetsOthers},
		{Name: "Budgets/Waiting", Source: "Kubernetes, eviction.go, canIgnorePDB: what is not running is no loss", run: budgetsWaiting},
		{Name: "Budgets/Several", Source: evicting + ", 500 where several budgets refer to a pod", run: budgetsSeveral},
	}
}

// NodeExample is a node as Domino has them, ready.
func NodeExample(name string) port.Node {
	return port.Node{Name: name, Instance: "i-0123456789abcdef0", Zone: "us-west-2b", Ready: true,
		Labels:      map[string]string{"dominodatalab.com/node-pool": "default", "topology.kubernetes.io/zone": "us-west-2b"},
		Taints:      []port.Taint{{Key: "nvidia.com/gpu", Value: "true", Effect: "NoSchedule"}},
		Conditions:  []port.Condition{{Type: "MemoryPressure", Status: "True", Reason: "KubeletHasInsufficientMemory", Message: "kubelet has insufficient memory available", Since: time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC)}},
		Capacity:    port.Resources{MilliCPU: 8000, Memory: 32 << 30, Pods: 58, Other: map[string]int64{"nvidia.com/gpu": 1}},
		Allocatable: port.Resources{MilliCPU: 7910, Memory: 30 << 30, Pods: 58, Other: map[string]int64{"nvidia.com/gpu": 1}}}
}

// run is a pod of an execution, with no controller.
func run(node, name string) port.Pod {
	return port.Pod{Namespace: NodeSpace, Name: name, Node: node, Phase: "Running", Labels: map[string]string{"app": "run"},
		Requests: port.Resources{MilliCPU: 3000, Memory: 12 << 30, Pods: 1}}
}

func theNode(t *testing.T, w World, name string) port.Node {
	t.Helper()
	all := value(w.Nodes.ListNodes(background()))(t)
	i := slices.IndexFunc(all, func(n port.Node) bool { return n.Name == name })
	if i < 0 {
		t.Fatalf("no node %s in %+v", name, all)
	}
	return all[i]
}

func nodesRead(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	got, want := theNode(t, w, "a"), NodeExample("a")
	if got.UID == "" || got.Version == "" || got.Created.IsZero() {
		t.Errorf("uid %q, version %q, created %v", got.UID, got.Version, got.Created)
	}
	want.UID, want.Version, want.Created, want.Labels = got.UID, got.Version, got.Created, got.Labels // a cluster adds its own
	if i := slices.IndexFunc(got.Conditions, func(c port.Condition) bool { return c.Type == "Ready" && c.Status == "True" }); i >= 0 {
		got.Conditions = slices.Delete(got.Conditions, i, i+1)
	} else {
		t.Errorf("no condition Ready: %+v", got.Conditions)
	}
	for i := range got.Conditions {
		got.Conditions[i].Since = got.Conditions[i].Since.UTC()
	}
	got.Taints = slices.DeleteFunc(got.Taints, func(t port.Taint) bool { return strings.HasPrefix(t.Key, "node.kubernetes.io/") })
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	for key, v := range NodeExample("a").Labels {
		if got.Labels[key] != v {
			t.Errorf("label %s is %q, want %q", key, got.Labels[key], v)
		}
	}
}

func nodesReady(t *testing.T, w World) {
	n := NodeExample("a")
	n.Ready = false
	w.Put.Node(t, n)
	w.Put.Node(t, NodeExample("b"))
	if theNode(t, w, "a").Ready || !theNode(t, w, "b").Ready {
		t.Error("a node's readiness is not its own")
	}
}

func nodesCordon(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	w.Put.Node(t, NodeExample("b"))
	must(t, w.Nodes.SetCordoned(background(), theNode(t, w, "a"), true, "apply 0001"))
	got := theNode(t, w, "a")
	if !got.Cordoned || got.CordonedBy != "apply 0001" || theNode(t, w, "b").Cordoned {
		t.Errorf("cordoned %v by %q, the other %v", got.Cordoned, got.CordonedBy, theNode(t, w, "b").Cordoned)
	}
	must(t, w.Nodes.SetCordoned(background(), got, true, "apply 0002"))
	got = theNode(t, w, "a")
	if !got.Cordoned || got.CordonedBy != "apply 0002" {
		t.Errorf("cordoned %v by %q", got.Cordoned, got.CordonedBy)
	}
	must(t, w.Nodes.SetCordoned(background(), got, false, ""))
	if got = theNode(t, w, "a"); got.Cordoned || got.CordonedBy != "" {
		t.Errorf("uncordoned: %v by %q", got.Cordoned, got.CordonedBy)
	}
	must(t, w.Nodes.SetCordoned(background(), got, false, ""))
}

func nodesMoved(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	n := theNode(t, w, "a")
	must(t, w.Nodes.SetCordoned(background(), n, true, "one"))
	if err := w.Nodes.SetCordoned(background(), n, false, ""); !errors.Is(err, port.ErrState) {
		t.Errorf("a version that is over: %v, want ErrState", err)
	}
	if got := theNode(t, w, "a"); !got.Cordoned || got.CordonedBy != "one" {
		t.Errorf("it was written all the same: %+v", got)
	}
}

func nodesUnknown(t *testing.T, w World) {
	w.Put.Node(t, NodeExample("a"))
	n := theNode(t, w, "a")
	for name, other := range map[string]func(*port.Node){
		"another UID": func(n *port.Node) { n.UID = "00000000-0000-0000-0000-000000000000" },
		"gone":        func(n *port.Node) { n.Name = "b" },
		"no name":     func(n *port.Node) { n.Name = "" },
		"no UID":      func(n *port.Node) { n.UID = "" },
		"no version":  func(n *port.Node) { n.Version = "" },
		"a path":      func(n *port.Node) { n.Name = "../pods" },
	} {
		of := n
		other(&of)
		if err := w.Nodes.SetCordoned(background(), of, true, "one"); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	if theNode(t, w, "a").Cordoned {
		t.Error("it is cordoned")
	}
}

func pagedNodes() []paged {
	has := func(w World) bool { return w.Nodes != nil }
	nodes := func(t *testing.T, w World) {
		for i := range w.Many {
			w.Put.Node(t, NodeExample(fmt.Sprint("n", i)))
		}
	}
	pods := func(t *testing.T, w World) {
		w.Put.Node(t, NodeExample("a"))
		for i := range w.Many {
			w.Put.Pod(t, run("a", fmt.Sprint("p", i)))
		}
	}
	return []paged{
		{"ListNodes", chunks, has, nodes, func(w World) (int, error) {
			found, err := w.Nodes.ListNodes(background())
			return len(found), err
		}},
		{"ListPods", chunks, has, pods, func(w World) (int, error) {
			found, err := w.Nodes.ListPods(background(), "a")
			return len(found), err
		}},
	}
}
