//go:build wire

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// places are where the API server has objects of each kind of the example.
var places = map[string]string{
	"Namespace": "/api/v1/namespaces", "ServiceAccount": "/api/v1/namespaces/domctl/serviceaccounts", "ConfigMap": "/api/v1/namespaces/domctl/configmaps",
	"Service": "/api/v1/namespaces/domctl/services", "Pod": "/api/v1/namespaces/domctl/pods", "Deployment": "/apis/apps/v1/namespaces/domctl/deployments",
	"PodDisruptionBudget": "/apis/policy/v1/namespaces/domctl/poddisruptionbudgets", "NetworkPolicy": "/apis/networking.k8s.io/v1/namespaces/domctl/networkpolicies",
	"Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/domctl/roles", "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/domctl/rolebindings",
}

// exampleOn applies the example to a cluster, and answers the pod that its Deployment
// makes.
func exampleOn(t *testing.T, c *wiretest.Cluster) (pod string) {
	t.Helper()
	for _, r := range kustomized(t, kubernetesExample).Resources() {
		text, err := r.MarshalJSON()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Apply(t, places[r.GetKind()]+"/"+r.GetName(), string(text)); err != nil {
			t.Fatalf("%s: %v", r.CurId(), err)
		}
		if r.GetKind() != "Deployment" {
			continue
		}
		var d struct {
			Spec struct{ Template map[string]any }
		}
		if err := json.Unmarshal(text, &d); err != nil {
			t.Fatal(err)
		}
		p := d.Spec.Template
		p["apiVersion"], p["kind"] = "v1", "Pod"
		p["metadata"].(map[string]any)["name"] = "domctl"
		made, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		pod = string(made)
	}
	return pod
}

// asController writes a kubeconfig of the example's service account.
func asController(t *testing.T, c *wiretest.Cluster) string {
	t.Helper()
	var says struct{ Status struct{ Token string } }
	text := c.Do(t, http.MethodPost, places["ServiceAccount"]+"/domctl/token", `{"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}`)
	if err := json.Unmarshal([]byte(text), &says); err != nil || says.Status.Token == "" {
		t.Fatalf("%s, %v", text, err)
	}
	config, err := os.ReadFile(c.Kubeconfig(t, c.Addr, wiretest.KubeOther))
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(name, []byte(strings.ReplaceAll(string(config), c.Token(wiretest.KubeOther), says.Status.Token)), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestKubeExample: a real API server takes the example with its strictest validation, its
// admission takes the pods as restricted ones, and the service account may keep Leases
// and do nothing else.
func TestKubeExample(t *testing.T) {
	c := wiretest.Kube(t)
	pod := exampleOn(t, c)
	if err := c.Apply(t, places["Pod"]+"/domctl", pod); err != nil {
		t.Errorf("the pod: %v", err)
	}
	for _, wrong := range []struct{ old, new string }{
		{`"runAsNonRoot":true`, `"runAsNonRoot":false`}, {`"allowPrivilegeEscalation":false`, `"allowPrivilegeEscalation":true`},
		{`"drop":["ALL"]`, `"drop":[]`}, {`"RuntimeDefault"`, `"Unconfined"`}, {`"runAsUser":65532`, `"runAsUser":0`},
	} {
		bad := strings.Replace(pod, wrong.old, wrong.new, 1)
		bad = strings.Replace(bad, `"name":"domctl"}`, `"name":"bad"}`, 1) // its metadata
		if err := c.Apply(t, places["Pod"]+"/bad", bad); err == nil || !strings.Contains(err.Error(), "violates PodSecurity") {
			t.Errorf("%s: the namespace takes it: %v", wrong.new, err)
		}
	}
	for _, may := range []struct {
		verb, group, resource, namespace string
		want                             bool
	}{
		{"get", "coordination.k8s.io", "leases", "domctl", true}, {"create", "coordination.k8s.io", "leases", "domctl", true}, {"update", "coordination.k8s.io", "leases", "domctl", true},
		{"delete", "coordination.k8s.io", "leases", "domctl", false}, {"update", "coordination.k8s.io", "leases", "kube-system", false},
		{"get", "", "secrets", "domctl", false}, {"list", "", "pods", "domctl", false}, {"create", "", "pods", "domctl", false},
	} {
		review := fmt.Sprintf(`{"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {"user": "system:serviceaccount:domctl:domctl", "groups": ["system:serviceaccounts", "system:authenticated"],
			"resourceAttributes": {"verb": %q, "group": %q, "resource": %q, "namespace": %q}}}`, may.verb, may.group, may.resource, may.namespace)
		var says struct{ Status struct{ Allowed bool } }
		for end := time.Now().Add(10 * time.Second); ; time.Sleep(20 * time.Millisecond) { // until the API server knows of the Role
			if err := json.Unmarshal([]byte(c.Do(t, http.MethodPost, "/apis/authorization.k8s.io/v1/subjectaccessreviews", review)), &says); err != nil {
				t.Fatal(err)
			}
			if says.Status.Allowed == may.want || time.Now().After(end) {
				break
			}
		}
		if says.Status.Allowed != may.want {
			t.Errorf("%s %s in %s: %v", may.verb, may.resource, may.namespace, says.Status.Allowed)
		}
	}
}
