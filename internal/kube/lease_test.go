package kube

import (
	"net/http"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// TestLeaseAnswers: what is no Lease is told as what it is, and none is taken for absent
// but one that the API server says is not there.
func TestLeaseAnswers(t *testing.T) {
	const path = "/apis/coordination.k8s.io/v1/namespaces/ns/leases/acts-prod"
	for _, c := range []struct {
		answer answer
		want   string
	}{
		{answer{http.StatusNotFound, `{"kind": "Status", "message": "leases \"acts-prod\" not found", "details": {"kind": "leases"}}`}, ""},
		{answer{http.StatusNotFound, `404 page not found`}, "answered 404 with what no Kubernetes API server says"},
		{answer{http.StatusNotFound, `{"kind": "Status", "message": "namespaces \"ns\" not found", "details": {"kind": "namespaces"}}`}, `namespaces "ns" not found; correct replicas.kubernetes.namespace, or make it`},
		{answer{http.StatusForbidden, `{"kind": "Status", "message": "User \"x\" cannot get"}`}, `refuses: User "x" cannot get; a Role must let that user get, create and update leases`},
		{answer{http.StatusUnauthorized, `{"kind": "Status"}`}, "does not accept these credentials"},
		{answer{http.StatusInternalServerError, `{"kind": "Status", "message": "etcd is gone"}`}, "answered 500: etcd is gone; run again once it is well"},
		{answer{http.StatusOK, `{"kind": "Lease", "spec": {}}`}, "answered 200 with what no Kubernetes API server says"},
		{answer{http.StatusOK, `{"kind": "Secret", "metadata": {"resourceVersion": "1"}}`}, "answered 200 with what no Kubernetes API server says"},
		{answer{http.StatusFound, ``}, "answered 302 with what no Kubernetes API server says"},
	} {
		s := server(t, map[string]answer{path: c.answer})
		configured(t, config(s, token, "one"))
		got, err := Lease{Open(Config{}), "ns", "acts-prod"}.Lease(t.Context())
		if got != (port.Lease{}) || (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary)) {
			t.Errorf("%+v: %+v, %v", c.answer, got, err)
		}
	}
}
