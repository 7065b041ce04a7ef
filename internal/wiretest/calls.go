//go:build linux

package wiretest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// Calls stands before an HTTP server, and keeps the method and path of each call.
type Calls struct {
	Addr string // host:port, on loopback

	mu   sync.Mutex
	made []string
}

// NewCalls starts one before addr, which is a host:port.
func NewCalls(t testing.TB, addr string) *Calls {
	t.Helper()
	c := &Calls{}
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: addr})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.add(r.Method + " " + r.URL.Path)
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	c.Addr = strings.TrimPrefix(server.URL, "http://")
	return c
}

func (c *Calls) add(call string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.made = append(c.made, call)
}

// Take gives the calls since it was last asked, as "GET /path".
func (c *Calls) Take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	made := c.made
	c.made = nil
	return made
}
