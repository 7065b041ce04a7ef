//go:build linux

package wiretest

import (
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Meter stands before a registry, and counts the bytes of the blobs that engines
// fetch: what domctl itself asks for is not counted. It fails as it is told.
type Meter struct {
	Addr  string // host:port, on loopback
	bytes atomic.Int64

	mu       sync.Mutex
	logins   map[string]*url.Userinfo // by repository, as the rest
	failures map[string]*BlobFault
}

// BlobFault is how fetches of a repository's blobs fail.
type BlobFault struct {
	Served int // how many are answered before
	Status int // what is answered instead; 0: the answer breaks off half way
	Times  int // how many fail; below 0: all
}

// NewMeter starts one before a registry.
func NewMeter(t testing.TB, registry *Server) *Meter {
	t.Helper()
	m := &Meter{logins: map[string]*url.Userinfo{}, failures: map[string]*BlobFault{}}
	to := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: registry.Addr})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !m.known(r) {
			w.Header().Set("WWW-Authenticate", `Basic realm="bakery"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		repository, _, blob := strings.Cut(strings.TrimPrefix(r.URL.Path, "/v2/"), "/blobs/")
		if r.Method == http.MethodGet && byEngine(r) && blob {
			w = &counted{w, &m.bytes}
			switch f := m.fault(repository); {
			case f == nil:
			case f.Status != 0:
				w.WriteHeader(f.Status)
				return
			default:
				w = &halved{ResponseWriter: w}
			}
		}
		to.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	m.Addr = strings.TrimPrefix(server.URL, "http://")
	return m
}

// Login makes a repository, "domino/spark", private: who asks for it has to say who
// they are, by HTTP's basic authentication; a Docker engine for any other one, too.
func (m *Meter) Login(repository, user, password string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.logins[repository] = url.UserPassword(user, password)
}

// Fail makes what engines fetch of a repository fail.
func (m *Meter) Fail(repository string, f BlobFault) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failures[repository] = &f
}

// Failing are the repositories of which not all failed yet that was to.
func (m *Meter) Failing() (left []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for repository, f := range m.failures {
		if f.Times > 0 {
			left = append(left, repository)
		}
	}
	return left
}

func (m *Meter) known(r *http.Request) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	user, password, _ := r.BasicAuth()
	for repository, login := range m.logins {
		// Docker learns from the first path alone that it may say who it is.
		if (r.URL.Path == "/v2/" || strings.HasPrefix(r.URL.Path, "/v2/"+repository+"/")) && url.UserPassword(user, password).String() != login.String() {
			return false
		}
	}
	return true
}

// fault is what one more fetch of a blob meets; nil: it is answered.
func (m *Meter) fault(repository string) *BlobFault {
	m.mu.Lock()
	defer m.mu.Unlock()
	f := m.failures[repository]
	switch {
	case f == nil || f.Times == 0:
		return nil
	case f.Served > 0:
		f.Served--
		return nil
	}
	f.Times--
	return f
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

// halved breaks its connection once half of an answer is through.
type halved struct {
	http.ResponseWriter
	left int // bytes; 0 before the first
}

func (h *halved) Write(p []byte) (int, error) {
	if h.left == 0 {
		h.left, _ = strconv.Atoi(h.Header().Get("Content-Length")) // what does not say breaks off at once
		h.left = h.left/2 + 1
	}
	if h.left -= len(p); h.left <= 0 {
		panic(http.ErrAbortHandler)
	}
	return h.ResponseWriter.Write(p)
}
