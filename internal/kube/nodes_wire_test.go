//go:build wire

package kube

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
	"domctl.dev/internal/worldtest"
)

// TestKubeContract: a real API server with etcd and the disruption controller keeps to
// what the sandbox does, for a user whom doctor's role lets and nothing else.
func TestKubeContract(t *testing.T) {
	c := wiretest.KubeControllers(t)
	c.Karpenter(t)
	c.Grant(t, wiretest.KubeReader, "", NodesRole(true, true))
	_, _ = c.Try(t, http.MethodPost, "/api/v1/namespaces", fmt.Sprintf(`{"metadata": {"name": %q}}`, worldtest.NodeSpace))
	worldtest.Run(t, func(t *testing.T) worldtest.World {
		k := &kubelet{Cluster: c, pods: "/api/v1/namespaces/" + worldtest.NodeSpace + "/pods"}
		k.clear(t)
		client := k.client(t)
		client.pageSize = 2
		return worldtest.World{
			Nodes: client, Karpenter: client, Many: 5, Settle: k.settle, Break: k.fail,
			Put: worldtest.Put{Node: k.node, Pod: k.pod, Budget: k.budget, NodePool: k.nodePool, NodeClass: k.nodeClass, NodeClaim: k.nodeClaim},
		}
	})
}

// kubelet is what nodes, the scheduler and controllers would do, on a cluster that has
// none of them; and a proxy before it.
type kubelet struct {
	*wiretest.Cluster
	pods string

	mu   sync.Mutex
	how  worldtest.Failure
	call string
	page []byte // the first of a list
}

// client asks through a proxy that fails on request.
func (k *kubelet) client(t *testing.T) *Client {
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(k.CA)
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "https", Host: k.Addr})
	proxy.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}}
	proxy.ModifyResponse = k.remember
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !k.fails(w, r) {
			proxy.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	configured(t, config(s, "token: "+k.Token(wiretest.KubeReader), "wire"))
	client := Open(Config{})
	for end := time.Now().Add(10 * time.Second); ; { // until the API server knows of the role
		if _, err := client.ListPods(t.Context(), ""); err == nil || time.Now().After(end) {
			return client
		}
	}
}

func (k *kubelet) fail(_ *testing.T, call string, how worldtest.Failure) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.call, k.how = call, how
}

// fails answers in place of the API server; denied, it lets another user ask.
func (k *kubelet) fails(w http.ResponseWriter, r *http.Request) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	later := r.URL.Query().Get("continue") != ""
	if r.URL.Path != map[string]string{"ListNodes": "/api/v1/nodes", "ListPods": "/api/v1/pods", "ListNodePools": atPools, "ListNodeClasses": atClasses, "ListNodeClaims": atClaims}[k.call] {
		return false
	}
	switch {
	case k.how == worldtest.Denied:
		r.Header.Set("Authorization", "Bearer "+k.Token(wiretest.KubeOther))
	case k.how == worldtest.Throttled: // as priority and fairness does
		w.Header().Set("Retry-After", "1")
		http.Error(w, "Too many requests, please try again later.", http.StatusTooManyRequests)
		return true
	case k.how == worldtest.PartialPage && later:
		http.Error(w, `{"kind": "Status", "message": "etcdserver: leader changed"}`, http.StatusInternalServerError)
		return true
	case k.how == worldtest.RepeatedToken && later:
		_, _ = w.Write(k.page)
		return true
	}
	return false
}

func (k *kubelet) remember(res *http.Response) error {
	body, err := io.ReadAll(res.Body)
	res.Body = io.NopCloser(bytes.NewReader(body))
	k.mu.Lock()
	defer k.mu.Unlock()
	if res.Request.URL.Query().Get("limit") != "" {
		k.page = body
	}
	return err
}

const atBudgets = "/apis/policy/v1/namespaces/" + worldtest.NodeSpace + "/poddisruptionbudgets"

func (k *kubelet) clear(t *testing.T) {
	k.Do(t, http.MethodDelete, atBudgets, "")
	k.Do(t, http.MethodDelete, k.pods, `{"gracePeriodSeconds": 0}`)
	k.Do(t, http.MethodDelete, "/api/v1/nodes", "")
	if _, err := k.Try(t, http.MethodGet, atPools, ""); err == nil {
		k.Do(t, http.MethodDelete, atPools, "")
		k.Do(t, http.MethodDelete, atClasses, "")
		k.Do(t, http.MethodDelete, atClaims, "")
		k.ended(t)
	}
}

func quantities(r port.Resources) string {
	all := map[string]string{}
	if r.MilliCPU > 0 {
		all["cpu"] = fmt.Sprint(r.MilliCPU, "m")
	}
	if r.Memory > 0 {
		all["memory"] = fmt.Sprint(r.Memory)
	}
	for name, n := range r.Other {
		all[name] = fmt.Sprint(n)
	}
	return text(all)
}

func text(v any) string {
	b, _ := json.Marshal(v)
	return string(b)
}

func (k *kubelet) node(t *testing.T, n port.Node) {
	pods := func(r port.Resources) string {
		return strings.TrimSuffix(quantities(r), "}") + fmt.Sprintf(`, "pods": "%d"}`, r.Pods)
	}
	conditions := fmt.Sprintf(`{"type": "Ready", "status": %q}`, map[bool]string{true: "True", false: "False"}[n.Ready])
	for _, c := range n.Conditions {
		conditions += fmt.Sprintf(`, {"type": %q, "status": %q, "reason": %q, "message": %q, "lastTransitionTime": %q}`, c.Type, c.Status, c.Reason, c.Message, c.Since.UTC().Format(time.RFC3339))
	}
	k.Do(t, http.MethodPost, "/api/v1/nodes", fmt.Sprintf(`{"metadata": {"name": %q, "labels": %s}, "spec": {"providerID": "aws:///%s/%s", "taints": %s},
		"status": {"capacity": %s, "allocatable": %s, "conditions": [%s]}}`, n.Name, text(n.Labels), n.Zone, n.Instance,
		strings.NewReplacer(`"Key"`, `"key"`, `"Value"`, `"value"`, `"Effect"`, `"effect"`).Replace(text(n.Taints)),
		pods(n.Capacity), pods(n.Allocatable), conditions))
}

func (k *kubelet) pod(t *testing.T, p port.Pod) {
	owner, volumes, annotations, placed := "", "", "{}", ""
	if p.OwnerKind != "" {
		owner = fmt.Sprintf(`, "ownerReferences": [{"apiVersion": "apps/v1", "kind": %q, "name": %q, "uid": "1", "controller": true}]`, p.OwnerKind, p.Owner)
	}
	if p.LocalData {
		volumes = `, "volumes": [{"name": "scratch", "emptyDir": {}}]`
	}
	if p.Mirror {
		annotations = `{"kubernetes.io/config.mirror": "abc"}`
	}
	if p.Node != "" {
		placed = fmt.Sprintf(`, "nodeName": %q`, p.Node)
	}
	k.Do(t, http.MethodPost, k.pods, fmt.Sprintf(`{"metadata": {"name": %q, "labels": %s, "annotations": %s%s},
		"spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": %s}}]%s%s}}`,
		p.Name, text(p.Labels), annotations, owner, quantities(p.Requests), volumes, placed))
	conditions := fmt.Sprintf(`[{"type": "Ready", "status": %q}]`, map[bool]string{true: "True", false: "False"}[p.Phase == "Running"])
	if p.Unscheduled != "" {
		conditions = fmt.Sprintf(`[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": %q}]`, p.Unscheduled)
	}
	if err := k.Apply(t, k.pods+"/"+p.Name+"/status", fmt.Sprintf(`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": %q}, "status": {"phase": %q, "conditions": %s}}`, p.Name, p.Phase, conditions)); err != nil {
		t.Fatal(err)
	}
}

type budgetObject struct {
	Metadata struct{ Generation int64 }
	Spec     struct {
		MinAvailable json.RawMessage
		Selector     struct{ MatchLabels map[string]string }
	}
	Status struct{ ObservedGeneration, CurrentHealthy int64 }
}

// budget waits until the controller has seen it and its pods.
func (k *kubelet) budget(t *testing.T, b worldtest.Budget) {
	k.Do(t, http.MethodPost, atBudgets, fmt.Sprintf(`{"metadata": {"name": %q}, "spec": {"minAvailable": %d, "selector": {"matchLabels": %s}}}`, b.Name, b.MinAvailable, text(b.Labels)))
	healthy := int64(0)
	for _, p := range k.list(t) {
		if p.Status.Phase == "Running" && p.Metadata.DeletionTimestamp == nil && matches(b.Labels, p.Metadata.Labels) {
			healthy++
		}
	}
	for end := time.Now().Add(30 * time.Second); ; {
		var is budgetObject
		if err := json.Unmarshal([]byte(k.Do(t, http.MethodGet, atBudgets+"/"+b.Name, "")), &is); err != nil {
			t.Fatal(err)
		}
		if is.Status.ObservedGeneration == is.Metadata.Generation && is.Status.CurrentHealthy == healthy {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("the controller does not know of the budget: %+v, want %d healthy", is, healthy)
		}
	}
}

func matches(selector, labels map[string]string) bool {
	for key, v := range selector {
		if labels[key] != v {
			return false
		}
	}
	return true
}

func (k *kubelet) list(t *testing.T) []podObject {
	t.Helper()
	var all page[podObject]
	if err := json.Unmarshal([]byte(k.Do(t, http.MethodGet, k.pods, "")), &all); err != nil {
		t.Fatal(err)
	}
	return all.Items
}

// settle ends what is ending, as a kubelet whose containers have ended.
func (k *kubelet) settle(t *testing.T) {
	for _, p := range k.list(t) {
		if p.Metadata.DeletionTimestamp != nil {
			_, _ = k.Try(t, http.MethodDelete, k.pods+"/"+p.Metadata.Name, `{"gracePeriodSeconds": 0}`)
		}
	}
	k.ended(t)
}

// TestKubeReadsAlone: the role of a deployment that rolls nothing lets it write nothing.
func TestKubeReadsAlone(t *testing.T) {
	c := wiretest.KubeControllers(t)
	k := &kubelet{Cluster: c, pods: "/api/v1/namespaces/" + worldtest.NodeSpace + "/pods"}
	_, _ = c.Try(t, http.MethodPost, "/api/v1/namespaces", fmt.Sprintf(`{"metadata": {"name": %q}}`, worldtest.NodeSpace))
	k.clear(t)
	c.Grant(t, wiretest.KubeReader, "", NodesRole(true, true))
	client := k.client(t)
	k.node(t, worldtest.NodeExample("a"))
	k.pod(t, port.Pod{Name: "one", Node: "a", Phase: "Running"})
	c.Grant(t, wiretest.KubeReader, "", NodesRole(false, true))
	k.client(t) // waits for the role
	nodes, err := client.ListNodes(t.Context())
	pods, err2 := client.ListPods(t.Context(), "")
	if err != nil || err2 != nil || len(nodes) != 1 || len(pods) != 1 {
		t.Fatal(nodes, err, pods, err2)
	}
	for end := time.Now().Add(10 * time.Second); time.Now().Before(end); { // until the API server knows of the role
		if err = client.SetCordoned(t.Context(), nodes[0], true, "x"); errors.Is(err, port.ErrDenied) {
			break
		}
		nodes, _ = client.ListNodes(t.Context())
	}
	err2 = client.EvictPod(t.Context(), pods[0])
	may := errors.Join(client.May(t.Context(), "list", "nodes"), client.May(t.Context(), "list", "pods"))
	if patch, evict := client.May(t.Context(), "patch", "nodes"), client.May(t.Context(), "create", "pods/eviction"); may != nil || !errors.Is(patch, port.ErrDenied) || !errors.Is(evict, port.ErrDenied) {
		t.Errorf("it may read: %v, cordon: %v, evict: %v", may, patch, evict)
	}
	if !errors.Is(err, port.ErrDenied) || !errors.Is(err2, port.ErrDenied) || !strings.Contains(err2.Error(), "domctl doctor --policies") {
		t.Errorf("cordon: %v\nevict: %v", err, err2)
	}
}
