package kube

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// TestKarpenterInOtherVersions is told with what the cluster serves; a cluster without it
// otherwise.
func TestKarpenterInOtherVersions(t *testing.T) {
	for group, want := range map[string]string{
		`{"kind": "APIGroup", "versions": [{"version": "v1beta1"}, {"version": "v1alpha5"}]}`: "karpenter.sh serves v1alpha5, v1beta1; update Karpenter to 1.0",
		"": "karpenter.sh is not there; is Karpenter installed",
	} {
		s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/apis/karpenter.sh" || group == "" {
				http.Error(w, "404 page not found", http.StatusNotFound) // as for what is not served
				return
			}
			fmt.Fprint(w, group)
		}))
		defer s.Close()
		configured(t, config(s, "token: x", "wire"))
		_, err := Open(Config{}).ListNodePools(t.Context())
		_, err2 := Open(Config{}).ListNodeClaims(t.Context())
		for _, err := range []error{err, err2} {
			if !errors.Is(err, port.ErrNotServed) || errors.Is(err, port.ErrVersion) != (group != "") || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, want %s", err, want)
			}
		}
	}
}

// FuzzKarpenter: whatever an API server answers, what is read of it holds JSON where it says
// so.
func FuzzKarpenter(f *testing.F) {
	f.Add(`{"metadata": {"name": "a", "generation": 2}, "spec": {"disruption": {"budgets": [{"nodes": "0", "reasons": ["Drifted"]}]}, "limits": {"cpu": "1", "memory": 5}, "amiSelectorTerms": [{"id": "ami-1"}],
		"template": {"spec": {"requirements": [{"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["a"]}]}}}, "status": {"amis": [{"id": "ami-1"}], "conditions": [{"type": "AMIsReady", "status": "True", "observedGeneration": 2}]}}`)
	f.Fuzz(func(t *testing.T, text string) {
		var pool poolObject
		var class classObject
		if json.Unmarshal([]byte(text), &pool) == nil {
			if p, err := pool.pool(); err == nil {
				for _, b := range append(p.WithHold(true), p.WithHold(false)...) {
					if !json.Valid([]byte(b)) {
						t.Errorf("a budget is %q", b)
					}
				}
				held := p
				if held.Budgets = p.WithHold(true); !held.DriftHeld() {
					t.Errorf("%q does not hold drift", held.Budgets)
				}
			}
		}
		if json.Unmarshal([]byte(text), &class) == nil {
			if c, err := class.class(); err == nil && (!json.Valid([]byte(c.Terms)) || c.Image() != "" && port.TermsImage(port.TermsOf(c.Image())) != c.Image()) {
				t.Errorf("terms are %q, of image %q", c.Terms, c.Image())
			}
		}
	})
}
