//go:build linux

package wiretest

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
)

// Behind makes a pod that is ready, of address 10.9.8.7, on a node whose kubelet is the
// handler: the API server sends it what is asked of the pod
// ("/portForward/namespace/pod").
func (c *Cluster) Behind(t testing.TB, namespace, pod string, labels map[string]string, kubelet http.Handler) {
	t.Helper()
	s := httptest.NewTLSServer(kubelet)
	t.Cleanup(s.Close)
	at, err := url.Parse(s.URL)
	check(t, err)
	text, err := json.Marshal(labels)
	check(t, err)
	node := "node-of-" + namespace
	t.Cleanup(func() { // others count nodes and pods
		_, _ = c.ask(context.Background(), c.Addr, http.MethodDelete, "/api/v1/namespaces/"+namespace+"/pods/"+pod, `{"gracePeriodSeconds": 0}`)
		_, _ = c.ask(context.Background(), c.Addr, http.MethodDelete, "/api/v1/nodes/"+node, "")
	})
	_, _ = c.Try(t, http.MethodPost, "/api/v1/namespaces", fmt.Sprintf(`{"metadata": {"name": %q}}`, namespace))
	c.Do(t, http.MethodPost, "/api/v1/nodes", fmt.Sprintf(`{"metadata": {"name": %q}, "status": {"addresses": [{"type": "InternalIP", "address": %q}], "daemonEndpoints": {"kubeletEndpoint": {"Port": %s}}}}`, node, at.Hostname(), at.Port()))
	c.Do(t, http.MethodPost, "/api/v1/namespaces/"+namespace+"/pods", fmt.Sprintf(`{"metadata": {"name": %q, "labels": %s}, "spec": {"nodeName": %q, "containers": [{"name": "c", "image": "i"}]}}`, pod, text, node))
	check(t, c.Apply(t, "/api/v1/namespaces/"+namespace+"/pods/"+pod+"/status", fmt.Sprintf(`{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": %q},
		"status": {"phase": "Running", "podIP": "10.9.8.7", "podIPs": [{"ip": "10.9.8.7"}], "conditions": [{"type": "Ready", "status": "True"}]}}`, pod)))
}

// Grant makes the first role of a list, as doctor prints it, and gives it to a user, in a
// namespace or, with "", in all.
func (c *Cluster) Grant(t testing.TB, user, namespace string, printed []byte) {
	t.Helper()
	var roles struct{ Items []json.RawMessage }
	check(t, json.Unmarshal(printed, &roles))
	var role struct {
		Kind     string
		Metadata struct{ Name string }
	}
	check(t, json.Unmarshal(roles.Items[0], &role))
	at, kind := "/apis/rbac.authorization.k8s.io/v1/clusterrole", "ClusterRole"
	if namespace != "" {
		at, kind = "/apis/rbac.authorization.k8s.io/v1/namespaces/"+namespace+"/role", "Role"
	}
	_, _ = c.Try(t, http.MethodDelete, at+"bindings/"+user, "") // which role it gives cannot change
	check(t, c.Apply(t, at+"s/"+role.Metadata.Name, string(roles.Items[0])))
	check(t, c.Apply(t, at+"bindings/"+user, fmt.Sprintf(`{"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "%sBinding", "metadata": {"name": %q},
		"roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": %q, "name": %q},
		"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": %q}]}`, kind, user, kind, role.Metadata.Name, user)))
}
