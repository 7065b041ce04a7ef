//go:build wire

package kube

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
)

// TestKubeLease: of those who read the same version one writes it, and nobody's write is
// lost; the Role of the example is enough, and nothing less is.
func TestKubeLease(t *testing.T) {
	c, ns := wiretest.Kube(t), "kube-lease"
	c.Do(t, http.MethodPost, "/api/v1/namespaces", fmt.Sprintf(`{"metadata": {"name": %q}}`, ns))
	as(t, c, c.Addr, wiretest.KubeReader)
	lease := Lease{Open(Config{}), ns, "domctl-prod"}
	_, err := lease.Lease(t.Context())
	if err == nil || !strings.Contains(err.Error(), "a Role must let that user get, create and update leases of coordination.k8s.io in namespace "+ns) {
		t.Fatalf("without a Role: %v", err)
	}
	roles := "/apis/rbac.authorization.k8s.io/v1/namespaces/" + ns + "/role"
	c.Do(t, http.MethodPost, roles+"s", `{"metadata": {"name": "domctl"}, "rules": [{"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create", "update"]}]}`)
	c.Do(t, http.MethodPost, roles+"bindings", fmt.Sprintf(`{"metadata": {"name": "domctl"}, "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "domctl"},
		"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": %q}]}`, wiretest.KubeReader))

	none, err := lease.Lease(t.Context())
	for end := time.Now().Add(10 * time.Second); err != nil && time.Now().Before(end); time.Sleep(20 * time.Millisecond) { // until the API server knows of the Role
		none, err = lease.Lease(t.Context())
	}
	if none != (port.Lease{}) || err != nil {
		t.Fatalf("%+v, %v", none, err)
	}
	at := time.Date(2026, 11, 29, 12, 0, 0, 123456000, time.UTC)
	mine := port.Lease{Holder: "a", Term: 30 * time.Second, Acquired: at, Renewed: at.Add(time.Second), Transitions: 1, Hints: 3}
	first, err := lease.SetLease(t.Context(), mine)
	mine.Version = first.Version
	if first != mine || first.Version == "" || err != nil {
		t.Fatalf("%+v, want %+v: %v", first, mine, err)
	}
	if _, err := lease.SetLease(t.Context(), port.Lease{Holder: "b", Term: time.Second}); !errors.Is(err, port.ErrMoved) {
		t.Errorf("made twice: %v", err)
	}
	read, err := lease.Lease(t.Context())
	if read != first || err != nil {
		t.Errorf("%+v, %v", read, err)
	}
	mine.Renewed = at.Add(time.Minute)
	next, err := lease.SetLease(t.Context(), mine)
	if err != nil || next.Version == first.Version {
		t.Errorf("%+v, %v", next, err)
	}
	first.Holder = "b"
	if _, err := lease.SetLease(t.Context(), first); !errors.Is(err, port.ErrMoved) {
		t.Errorf("a version that is over was replaced: %v", err)
	}
	if _, err := (Lease{Open(Config{}), "no-such-namespace", "domctl-prod"}).Lease(t.Context()); err == nil {
		t.Error("a namespace that is not there is taken for a lease that is not")
	}

	p := wiretest.Proxy(t, c.Addr)
	as(t, c, p.Addr, wiretest.KubeReader)
	away := Lease{Open(Config{Timeout: 300 * time.Millisecond}), ns, "domctl-prod"}
	p.Blackhole()
	if _, err := away.Lease(t.Context()); err == nil || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("%v", err)
	}
}
