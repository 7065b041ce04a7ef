//go:build wire

package kube

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/kube/kubetest"
	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
)

// TestKubeForward goes through a real API server to a double of a kubelet, as the user whom
// doctor's role lets and nothing else.
func TestKubeForward(t *testing.T) {
	c := wiretest.Kube(t)
	const ns = "forwarded"
	asked := make(chan string, 8)
	c.Behind(t, ns, "mongodb-0", map[string]string{"app": "mongodb"}, kubetest.Kubelet(echoes(t), func(streams string) { asked <- streams }))
	c.Do(t, http.MethodPost, "/api/v1/namespaces/"+ns+"/services", `{"metadata": {"name": "mongodb"}, "spec": {"selector": {"app": "mongodb"}, "ports": [{"port": 27017}]}}`)
	as(t, c, c.Addr, wiretest.KubeOther)
	f := Forward{Open(Config{}), ns}
	for _, address := range []string{"mongodb-0.mongodb.forwarded.svc.cluster.local:27017", "mongodb.forwarded:27017"} {
		if _, err := f.DialContext(t.Context(), "tcp", address); !errors.Is(err, port.ErrDenied) || !strings.Contains(err.Error(), "domctl doctor --policies") {
			t.Errorf("%s without a role: %v", address, err)
		}
	}
	c.Grant(t, wiretest.KubeOther, ns, ForwardRole(ns))
	for end := time.Now().Add(10 * time.Second); f.Reachable(t.Context()) != nil && time.Now().Before(end); { // until the API server knows of the role
	}
	for _, address := range []string{"mongodb-0.mongodb.forwarded.svc.cluster.local:27017", "mongodb.forwarded:27017", "10.9.8.7:27017"} {
		echoed(t, f, address)
		if got := <-asked; got != "error data 27017" {
			t.Errorf("%s: %s", address, got)
		}
	}
	_, err := f.DialContext(t.Context(), "tcp", "mongodb-1.mongodb.forwarded:27017")
	if want := fmt.Sprintf(`does not forward to pod %s/mongodb-1: pods "mongodb-1" not found; look whether the pod runs: kubectl --context wire -n forwarded get pod mongodb-1`, ns); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
}
