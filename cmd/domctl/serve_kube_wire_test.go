//go:build wire

package main

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"domctl.dev/internal/wiretest"
)

// TestKubeServe: replicas agree by a Lease of a real API server, as the service account
// of the example.
func TestKubeServe(t *testing.T) {
	w, c := newServed(t), wiretest.Kube(t)
	exampleOn(t, c)
	t.Setenv("KUBECONFIG", asController(t, c))
	w.reconfigure("poll: 1d", "poll: 1d\nreplicas: {lease: 15s, kubernetes: {namespace: domctl, name: domctl}}")
	twoReplicas(w)

	var lease struct {
		Spec struct {
			HolderIdentity       string
			LeaseDurationSeconds int
			LeaseTransitions     int
		}
	}
	text := c.Do(t, http.MethodGet, "/apis/coordination.k8s.io/v1/namespaces/domctl/leases/domctl-acme", "")
	if err := json.Unmarshal([]byte(text), &lease); err != nil || lease.Spec.HolderIdentity != "" || lease.Spec.LeaseDurationSeconds != 15 || lease.Spec.LeaseTransitions != 3 {
		t.Errorf("after both ended: %s, %v", text, err)
	}
	if records := strings.Join(w.recorded(), " "); strings.Contains(records, "gitops/acts") || !strings.Contains(records, "gitops/head") {
		t.Errorf("records: %s", records)
	}
}

// recorded are the keys of the records.
func (w *served) recorded() (keys []string) {
	for _, call := range w.Account.Calls() {
		if key, ok := call.Parameters["Key"].(string); ok && call.Service == "s3" {
			keys = append(keys, key)
		}
	}
	return keys
}
