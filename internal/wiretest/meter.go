//go:build linux

package wiretest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
)

// Meter stands before a registry, and counts the bytes of the blobs that engines
// fetch: what domctl itself asks for is not counted.
type Meter struct {
	Addr  string // host:port, on loopback
	bytes atomic.Int64
}

// NewMeter starts one before a registry.
func NewMeter(t testing.TB, registry *Server) *Meter {
	t.Helper()
	m := &Meter{}
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry.Addr})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && byEngine(r) && strings.Contains(r.URL.Path, "/blobs/") {
			w = &counted{w, &m.bytes}
		}
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	m.Addr = strings.TrimPrefix(server.URL, "http://")
	return m
}

func byEngine(r *http.Request) bool {
	return strings.HasPrefix(r.UserAgent(), "docker/") || strings.HasPrefix(r.UserAgent(), "containerd/")
}

// Take gives what was fetched since it was last asked.
func (m *Meter) Take() int64 { return m.bytes.Swap(0) }

type counted struct {
	http.ResponseWriter
	bytes *atomic.Int64
}

func (c *counted) Write(p []byte) (int, error) {
	n, err := c.ResponseWriter.Write(p)
	c.bytes.Add(int64(n))
	return n, err
}
