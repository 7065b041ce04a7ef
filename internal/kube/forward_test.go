package kube

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/kube/kubetest"
	"domctl.dev/internal/port"
)

// echoes is the address of a server that says what it is told.
func echoes(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(c, c); _ = c.Close() }()
		}
	}()
	return l.Addr().String()
}

// echoed is what holds of a forwarded connection, whoever forwards it.
func echoed(t *testing.T, f Forward, address string) {
	t.Helper()
	c, err := f.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	text := strings.Repeat("text", 50_000)
	got := make([]byte, len(text))
	go func() { _, _ = io.WriteString(c, text) }()
	if _, err := io.ReadFull(c, got); err != nil || string(got) != text {
		t.Fatalf("%d bytes %v", len(got), err)
	}
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Millisecond))
	if _, err := c.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("a deadline that is over: %v", err)
	}
	_ = c.Close()
	if _, err := c.Read(got); err == nil {
		t.Error("a closed connection reads")
	}
}

const pods = "/api/v1/namespaces/ns/pods"

// forwarding goes through an API server that knows some pods of namespace ns.
func forwarding(t *testing.T, pod http.HandlerFunc) Forward {
	t.Helper()
	const ready, waits = `"status": {"conditions": [{"type": "Ready", "status": "True"}]}`, `"status": {"conditions": [{"type": "Ready", "status": "False"}]}`
	answers := map[string]string{
		"/api/v1/namespaces/ns/services/mongodb":  `{"kind": "Service", "spec": {"selector": {"app": "mongodb"}, "ports": [{"port": 27017, "targetPort": "mongo"}, {"port": 99, "targetPort": 98}]}}`,
		"/api/v1/namespaces/ns/services/waiting":  `{"kind": "Service", "spec": {"selector": {"app": "waiting"}, "ports": [{"port": 27017}]}}`,
		"/api/v1/namespaces/ns/services/external": `{"kind": "Service", "spec": {"type": "ExternalName"}}`,
		pods + "?labelSelector=app%3Dmongodb": `{"kind": "PodList", "items": [{"metadata": {"name": "mongodb-0"}, ` + waits + `},
			{"metadata": {"name": "mongodb-1"}, "spec": {"containers": [{"ports": [{"name": "mongo", "containerPort": 27018}]}]}, ` + ready + `}]}`,
		pods + "?labelSelector=app%3Dwaiting":              `{"kind": "PodList", "items": [{"metadata": {"name": "waiting-0"}, ` + waits + `}]}`,
		pods + "?fieldSelector=status.podIP%3D10.0.3.4":    `{"kind": "PodList", "items": [{"metadata": {"name": "mongodb-2"}}]}`,
		pods + "?fieldSelector=status.podIP%3D10.0.3.5":    `{"kind": "PodList", "items": []}`,
		pods + "?fieldSelector=status.podIP%3Dfd00%3A%3A1": `{"kind": "PodList", "items": [{"metadata": {"name": "mongodb-3"}}]}`,
	}
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/selfsubjectaccessreviews") {
			w.WriteHeader(http.StatusCreated)
			fmt.Fprint(w, `{"kind": "SelfSubjectAccessReview", "status": {"allowed": false}}`)
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+canary {
			t.Errorf("%s: Authorization is %q", r.URL, r.Header.Get("Authorization"))
		}
		if strings.HasSuffix(r.URL.Path, "/portforward") {
			pod(w, r)
			return
		}
		answer, ok := answers[r.URL.String()]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			answer = `{"kind": "Status", "message": "services \"none\" not found", "details": {"kind": "services"}}`
		}
		fmt.Fprint(w, answer)
	}))
	t.Cleanup(s.Close)
	configured(t, config(s, token, "one"))
	return Forward{Open(Config{Timeout: 10 * time.Second}), "ns"}
}

// TestForward: names and addresses as members of a replica set have them lead to pods.
func TestForward(t *testing.T) {
	to, asked := echoes(t), make(chan string, 1)
	var path string
	f := forwarding(t, func(w http.ResponseWriter, r *http.Request) {
		path = r.Method + " " + r.URL.Path
		kubetest.Kubelet(to, func(streams string) { asked <- streams })(w, r)
	})
	for address, want := range map[string]string{
		"mongodb-0.mongodb.ns.svc.cluster.local:27017": "mongodb-0 27017",
		"mongodb-0.mongodb.ns:27017":                   "mongodb-0 27017",
		"mongodb.ns.svc.cluster.local.:27017":          "mongodb-1 27018",
		"mongodb.ns:27017":                             "mongodb-1 27018",
		"mongodb:99":                                   "mongodb-1 98",
		"mongodb:1":                                    "mongodb-1 1",
		"10.0.3.4:27017":                               "mongodb-2 27017",
		"[fd00::1]:27017":                              "mongodb-3 27017",
	} {
		echoed(t, f, address)
		pod, number, _ := strings.Cut(want, " ")
		if got := <-asked; got != "error data "+number || path != "POST "+pods+"/"+pod+"/portforward" {
			t.Errorf("%s: %s, %s, want %s", address, path, got, want)
		}
	}
}

// TestForwardRefused: what leads nowhere is told, and no other namespace is entered.
func TestForwardRefused(t *testing.T) {
	forbidden := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "Forbidden", "code": 403, "message": "pods \"mongodb-0\" is forbidden: User \"u\" cannot create resource \"pods/portforward\""}`)
	}
	f := forwarding(t, forbidden)
	for address, says := range map[string]string{
		"mongodb-0.mongodb.ns:27017":      "domctl doctor --policies prints the role",
		"mongodb-0.mongodb.other:27017":   "no host of namespace ns",
		"mongodb.other.svc.cluster:27017": "no host of namespace ns",
		"a.mongodb-0.mongodb.ns:27017":    "no name of a service or a pod",
		"mongodb_0.mongodb.ns:27017":      "no name of Kubernetes",
		"_:27017":                         "no name of Kubernetes",
		"none.ns:27017":                   "not found",
		"waiting.ns:27017":                "none of the service's 1 pods is ready",
		"external.ns:27017":               "selects no pods",
		"10.0.3.5:27017":                  "no pod in namespace ns has this address",
		"mongodb":                         "no address with a port",
		"mongodb.example.com:27017":       "no host of namespace ns",
	} {
		c, err := f.DialContext(t.Context(), "tcp", address)
		if c != nil || err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v, want %q", address, err, says)
		}
	}
	if _, err := f.DialContext(t.Context(), "tcp", "mongodb-0.mongodb.ns:27017"); !errors.Is(err, port.ErrDenied) {
		t.Errorf("%v, want ErrDenied", err)
	}
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = dead.Close()
	c, err := forwarding(t, kubetest.Kubelet(dead.Addr().String(), func(string) {})).DialContext(t.Context(), "tcp", "mongodb-0.mongodb.ns:27017")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Read(make([]byte, 1)); err == nil || !strings.Contains(err.Error(), "connection refused") {
		t.Errorf("why it ended is not told: %v", err)
	}
	over := make(chan struct{})
	hangs := forwarding(t, func(http.ResponseWriter, *http.Request) { <-over })
	t.Cleanup(func() { close(over) })
	hangs.Client.timeout = 50 * time.Millisecond
	if _, err := hangs.DialContext(t.Context(), "tcp", "mongodb-0.mongodb.ns:27017"); err == nil || !strings.Contains(err.Error(), "did not answer in time") {
		t.Errorf("%v", err)
	}
}
