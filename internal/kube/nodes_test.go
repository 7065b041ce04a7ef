package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// speaking is a cluster whose every answer the function gives.
func speaking(t *testing.T, says func(r *http.Request) (int, string)) *Client {
	t.Helper()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status, body := says(r)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	t.Cleanup(s.Close)
	configured(t, config(s, token, "one"))
	return Open(Config{})
}

// TestNode: what a node of EKS says becomes a port.Node.
func TestNode(t *testing.T) {
	c := speaking(t, func(*http.Request) (int, string) {
		return 200, `{"kind": "NodeList", "metadata": {}, "items": [
		{"metadata": {"name": "ip-10-0-1-5.us-west-2.compute.internal", "uid": "u1", "resourceVersion": "7", "creationTimestamp": "2026-03-31T12:00:00Z",
		  "labels": {"topology.kubernetes.io/zone": "us-west-2b", "dominodatalab.com/node-pool": "default"}, "annotations": {"domctl.dev/cordoned-by": "apply 0001"}},
		 "spec": {"providerID": "aws:///us-west-2b/i-0abc", "unschedulable": true, "taints": [{"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule", "timeAdded": null}]},
		 "status": {"capacity": {"cpu": "8", "memory": "32386552Ki", "pods": "58", "nvidia.com/gpu": "1", "ephemeral-storage": "1048417276Ki"},
		  "allocatable": {"cpu": "7910m", "memory": "31369720Ki", "pods": "58", "nvidia.com/gpu": "1"},
		  "conditions": [{"type": "MemoryPressure", "status": "False"}, {"type": "Ready", "status": "True", "reason": "KubeletReady", "message": "kubelet is posting ready status", "lastTransitionTime": "2026-03-31T12:01:00Z"}]}},
		{"metadata": {"name": "fargate", "uid": "u2", "resourceVersion": "8"}, "spec": {"providerID": "aws:///us-west-2a/0d23/fargate-ip-10-0-1-6"},
		 "status": {"conditions": [{"type": "Ready", "status": "Unknown"}]}}]}`
	})
	got, err := c.ListNodes(t.Context())
	want := []port.Node{{
		Name: "ip-10-0-1-5.us-west-2.compute.internal", UID: "u1", Version: "7", Instance: "i-0abc", Zone: "us-west-2b",
		Labels: map[string]string{port.ZoneLabel: "us-west-2b", "dominodatalab.com/node-pool": "default"},
		Taints: []port.Taint{{Key: "node.kubernetes.io/unschedulable", Effect: "NoSchedule"}}, Cordoned: true, CordonedBy: "apply 0001", Ready: true,
		Created:     time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC),
		Conditions:  []port.Condition{{Type: "MemoryPressure", Status: "False"}, {Type: "Ready", Status: "True", Reason: "KubeletReady", Message: "kubelet is posting ready status", Since: time.Date(2026, 3, 31, 12, 1, 0, 0, time.UTC)}},
		Capacity:    port.Resources{MilliCPU: 8000, Memory: 32386552 << 10, Pods: 58, Other: map[string]int64{"nvidia.com/gpu": 1, "ephemeral-storage": 1048417276 << 10}},
		Allocatable: port.Resources{MilliCPU: 7910, Memory: 31369720 << 10, Pods: 58, Other: map[string]int64{"nvidia.com/gpu": 1}},
	}, {Name: "fargate", UID: "u2", Version: "8", Conditions: []port.Condition{{Type: "Ready", Status: "Unknown"}}}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
}

// TestPods: requests are the scheduler's, of each example on the page that states them.
func TestPods(t *testing.T) {
	for _, c := range []struct{ name, spec, metadata, status, want string }{
		{"bare", `{"containers": [{}]}`, ``, ``, `{MilliCPU:0 Memory:0 Pods:1 Other:map[]}`},
		{"containers", `{"containers": [{"resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}}}, {"resources": {"requests": {"cpu": "1", "nvidia.com/gpu": "1"}}}]}`, ``, ``, `{MilliCPU:2500 Memory:1073741824 Pods:1 Other:map[nvidia.com/gpu:1]}`},
		{"init", `{"initContainers": [{"resources": {"requests": {"cpu": "4"}}}], "containers": [{"resources": {"requests": {"cpu": "1", "memory": "1M"}}}]}`, ``, ``, `{MilliCPU:4000 Memory:1000000 Pods:1 Other:map[]}`},
		{"sidecar", `{"initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}, {"resources": {"requests": {"cpu": "2"}}}], "containers": [{"resources": {"requests": {"cpu": "1"}}}]}`, ``, ``, `{MilliCPU:3000 Memory:0 Pods:1 Other:map[]}`},
		{"pod level", `{"resources": {"requests": {"cpu": "5"}}, "overhead": {"cpu": "250m"}, "containers": [{"resources": {"requests": {"cpu": "1", "memory": "1k"}}}]}`, ``, ``, `{MilliCPU:5250 Memory:1000 Pods:1 Other:map[]}`},
	} {
		k := speaking(t, func(r *http.Request) (int, string) {
			return 200, fmt.Sprintf(`{"kind": "PodList", "items": [{"metadata": {"namespace": "ns", "name": "p"}, "spec": %s}]}`, c.spec)
		})
		got, err := k.ListPods(t.Context(), "")
		if err != nil || len(got) != 1 || fmt.Sprintf("%+v", got[0].Requests) != c.want {
			t.Errorf("%s: %+v %v, want %s", c.name, got, err, c.want)
		}
	}
	k := speaking(t, func(r *http.Request) (int, string) {
		if q := r.URL.Query().Get("fieldSelector"); q != "spec.nodeName=n1" {
			t.Errorf("fieldSelector is %q", q)
		}
		return 200, `{"kind": "PodList", "items": [{"metadata": {"namespace": "ns", "name": "p", "uid": "u", "deletionTimestamp": "2026-03-31T12:00:00Z", "annotations": {"kubernetes.io/config.mirror": "x"},
			"ownerReferences": [{"kind": "Run", "name": "r"}, {"kind": "StatefulSet", "name": "s", "controller": true}]},
			"spec": {"nodeName": "n1", "volumes": [{"name": "a"}, {"name": "b", "emptyDir": {}}]},
			"status": {"phase": "Running", "conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}]}}]}`
	})
	got, err := k.ListPods(t.Context(), "n1")
	want := []port.Pod{{Namespace: "ns", Name: "p", UID: "u", Node: "n1", Phase: "Running", OwnerKind: "StatefulSet", Owner: "s", Mirror: true, LocalData: true, Ending: true,
		Requests: port.Resources{Pods: 1}, Unscheduled: "0/3 nodes are available"}}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%v\n got %+v\nwant %+v", err, got, want)
	}
	if got, err := k.ListPods(t.Context(), "n1,spec.nodeName=n2"); got != nil || err != nil {
		t.Errorf("a node of no such name has %+v %v", got, err)
	}
}

// TestListsAreWhole: pages follow each other, a list that cannot go on begins anew, and
// what is not whole is an error.
func TestListsAreWhole(t *testing.T) {
	item := func(name string) string {
		return fmt.Sprintf(`{"metadata": {"name": %q, "uid": "u", "resourceVersion": "1"}}`, name)
	}
	first := `{"kind": "NodeList", "metadata": {"continue": "c1"}, "items": [` + item("a") + `]}`
	last := `{"kind": "NodeList", "metadata": {}, "items": [` + item("b") + `]}`
	const gone = `{"kind": "Status", "reason": "Expired", "metadata": {"continue": "inconsistent"}}`
	for _, c := range []struct {
		name  string
		later func(n int) (int, string) // the answers to what goes on
		want  string                    // names, or the error
	}{
		{"whole", func(int) (int, string) { return 200, last }, "a b"},
		{"expired once", func(n int) (int, string) {
			if n == 1 {
				return 410, gone
			}
			return 200, last
		}, "a b"},
		{"always expired", func(int) (int, string) { return 410, gone }, "longer than the API server remembers"},
		{"broken off", func(int) (int, string) { return 500, `{"kind": "Status", "message": "etcd is gone"}` }, "etcd is gone"},
		{"busy", func(int) (int, string) { return 429, `Too many requests, please try again later.` }, "throttled"},
		{"forbidden", func(int) (int, string) { return 403, `{"kind": "Status", "message": "User \"u\" cannot list"}` }, "access denied"},
		{"round and round", func(int) (int, string) { return 200, first }, "never end"},
		{"another list", func(int) (int, string) { return 200, `{"kind": "PodList", "items": []}` }, "no Kubernetes API server"},
		{"a page of a proxy", func(int) (int, string) { return 200, "<html>" + canary }, "no Kubernetes API server"},
		{"half a page", func(int) (int, string) { return 200, last[:40] }, "no Kubernetes API server"},
		{"no quantity", func(int) (int, string) {
			return 200, `{"kind": "NodeList", "items": [{"metadata": {"name": "b"}, "status": {"capacity": {"cpu": "many"}}}]}`
		}, `node b: "many" of "cpu" is no quantity`},
	} {
		n := 0
		k := speaking(t, func(r *http.Request) (int, string) {
			q := r.URL.Query()
			if q.Get("limit") != "200" {
				t.Errorf("limit is %q", q.Get("limit"))
			}
			if q.Get("continue") == "" {
				return 200, first
			}
			n++
			return c.later(n)
		})
		nodes, err := k.ListNodes(t.Context())
		var names []string
		for _, node := range nodes {
			names = append(names, node.Name)
		}
		if got := strings.Join(names, " "); err == nil && got != c.want || err != nil && (nodes != nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %q %v, want %s", c.name, got, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestRefusals: what the API server says no with decides what is done next.
func TestRefusals(t *testing.T) {
	pod := port.Pod{Namespace: "ns", Name: "p", UID: "u"}
	kinds := []error{port.ErrBudget, port.ErrThrottled, port.ErrNotFound, port.ErrState, port.ErrDenied}
	for _, c := range []struct {
		status int
		body   string
		want   error
		says   string
	}{
		{201, `{"kind": "Status", "status": "Success"}`, nil, ""},
		{429, `{"kind": "Status", "details": {"causes": [{"reason": "DisruptionBudget", "message": "The disruption budget b needs 2 healthy pods and has 2 currently"}]}}`, port.ErrBudget, "needs 2 healthy pods"},
		{429, `Too many requests, please try again later.`, port.ErrThrottled, "run again later"},
		{429, `{"kind": "Status", "message": "storage is (re)initializing"}`, port.ErrThrottled, "run again later"},
		{404, `{"kind": "Status", "details": {"kind": "pods"}}`, port.ErrNotFound, "pod ns/p"},
		{404, `404 page not found`, nil, "no Kubernetes API server"},
		{409, `{"kind": "Status", "message": "Precondition failed: UID in precondition: u, UID in object meta: v"}`, port.ErrNotFound, "pod ns/p"},
		{409, `{"kind": "Status", "message": "the object has been modified"}`, nil, "the object has been modified"},
		{403, `{"kind": "Status", "details": {"causes": [{"reason": "NamespaceTerminating", "message": "namespace ns is being terminated"}]}}`, port.ErrState, "its namespace ends"},
		{403, `{"kind": "Status", "message": "User \"u\" cannot create resource \"pods/eviction\""}`, port.ErrDenied, "domctl doctor --policies"},
		{500, `{"kind": "Status", "message": "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."}`, port.ErrBudget, "all but one"},
	} {
		k := speaking(t, func(r *http.Request) (int, string) {
			if r.Method != http.MethodPost || r.URL.Path != "/api/v1/namespaces/ns/pods/p/eviction" {
				t.Errorf("%s %s", r.Method, r.URL.Path)
			}
			return c.status, c.body
		})
		err := k.EvictPod(t.Context(), pod)
		for _, kind := range kinds {
			if errors.Is(err, kind) != (kind == c.want) {
				t.Errorf("%d %s: %v, want %v", c.status, c.body, err, c.want)
			}
		}
		if (err == nil) != (c.status == 201) || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("%d %s: %v, want %q", c.status, c.body, err, c.says)
		}
	}
	k := speaking(t, func(r *http.Request) (int, string) {
		t.Errorf("asked for %s", r.URL)
		return 500, ""
	})
	for _, p := range []port.Pod{{Namespace: "ns", Name: "..", UID: "u"}, {Namespace: "ns/pods", Name: "p", UID: "u"}, {Namespace: "ns", Name: "p"}} {
		if err := k.EvictPod(t.Context(), p); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%+v: %v", p, err)
		}
	}
	if err := k.SetCordoned(t.Context(), port.Node{Name: "../pods", UID: "u", Version: "1"}, true, "x"); !errors.Is(err, port.ErrNotFound) {
		t.Error(err)
	}
}

// FuzzNode: whatever a cluster says, a node is as it was said, or an error.
func FuzzNode(f *testing.F) {
	f.Add([]byte(`{"metadata": {"name": "a"}, "spec": {"providerID": "aws:///us-west-2b/i-0abc"}, "status": {"capacity": {"cpu": "8", "memory": "32386552Ki"}, "conditions": [{"type": "Ready", "status": "True"}]}}`))
	f.Add([]byte(`{"status": {"allocatable": {"cpu": "1e400"}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var o nodeObject
		if json.Unmarshal(body, &o) != nil {
			return
		}
		n, err := o.node()
		if err != nil {
			return
		}
		ready := slices.ContainsFunc(n.Conditions, func(c port.Condition) bool { return c.Type == "Ready" && c.Status == "True" })
		if n.Name != o.Metadata.Name || n.Ready != ready || len(n.Conditions) != len(o.Status.Conditions) || n.Instance != "" && !strings.HasPrefix(n.Instance, "i-") {
			t.Errorf("%+v of %s", n, body)
		}
	})
}

// FuzzPod: whatever a cluster says, a pod takes the room of one, and no less than what one
// of its containers asks for, or is an error.
func FuzzPod(f *testing.F) {
	f.Add([]byte(`{"metadata": {"deletionTimestamp": "2026-03-31T12:00:00Z"}, "spec": {"initContainers": [{"restartPolicy": "Always", "resources": {"requests": {"cpu": "1"}}}], "containers": [{"resources": {"requests": {"cpu": "1500m", "memory": "1Gi"}}}], "overhead": {"cpu": "250m"}}}`))
	f.Add([]byte(`{"spec": {"containers": [{"resources": {"requests": {"memory": "9223372036854775807"}}}, {"resources": {"requests": {"memory": "1"}}}]}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var o podObject
		if json.Unmarshal(body, &o) != nil {
			return
		}
		p, err := o.pod()
		if err != nil {
			return
		}
		if p.Requests.Pods != 1 || p.Ending != (o.Metadata.DeletionTimestamp != nil) {
			t.Errorf("%+v of %s", p, body)
		}
		if o.Spec.Resources.Requests != nil {
			return // what the pod itself asks for stands in place of that
		}
		for _, c := range o.Spec.Containers {
			if asks, err := amountsOf(c.Resources.Requests); err == nil && asks["memory"] > p.Requests.Memory {
				t.Errorf("%+v takes less than %v", p.Requests, asks)
			}
		}
	})
}
