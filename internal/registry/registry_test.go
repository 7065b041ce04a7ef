package registry

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"domctl.dev/internal/port"
)

// serve starts a registry; wrap sees every request first and may answer it.
func serve(t *testing.T, wrap func(http.ResponseWriter, *http.Request) bool) string {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrap == nil || !wrap(w, r) {
			inner.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func image(t *testing.T, os, arch string) v1.Image {
	t.Helper()
	i, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	config, err := i.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config.OS, config.Architecture = os, arch
	if i, err = mutate.ConfigFile(i, config); err != nil {
		t.Fatal(err)
	}
	return i
}

func tag(t *testing.T, host string) name.Tag {
	t.Helper()
	ref, err := name.NewTag(host + "/domino/base:1")
	if err != nil {
		t.Fatal(err)
	}
	return ref
}

func TestDigestsOfAnIndex(t *testing.T) {
	host := serve(t, nil)
	amd, arm := image(t, "linux", "amd64"), image(t, "linux", "arm64")
	index := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}},
		mutate.IndexAddendum{Add: image(t, "", ""), Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "unknown", Architecture: "unknown"}}})
	if err := remote.WriteIndex(tag(t, host), index); err != nil {
		t.Fatal(err)
	}
	want, _ := arm.Digest()
	c := New(Config{Hosts: []string{host}})
	got, err := c.Digests(context.Background(), tag(t, host).String(), nil)
	if err != nil || len(got) != 2 || got["linux/arm64"] != want.String() {
		t.Fatalf("%v %v", got, err)
	}
	if got, err = c.Digests(context.Background(), tag(t, host).String(), []string{"linux/arm64"}); err != nil || len(got) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	if got, err = c.Digests(context.Background(), tag(t, host).String(), []string{"linux/s390x"}); err != nil || len(got) != 0 {
		t.Fatalf("%v %v", got, err)
	}
}

func TestDigestOfASingleImage(t *testing.T) {
	host := serve(t, nil)
	i := image(t, "linux", "amd64")
	if err := remote.Write(tag(t, host), i); err != nil {
		t.Fatal(err)
	}
	want, _ := i.Digest()
	got, err := New(Config{Hosts: []string{host}}).Digests(context.Background(), tag(t, host).String(), nil)
	if err != nil || got["linux/amd64"] != want.String() {
		t.Fatalf("%v %v", got, err)
	}
}

func TestAnswers(t *testing.T) {
	answer := func(status int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				return false
			}
			w.WriteHeader(status)
			return true
		}
	}
	for status, want := range map[int]error{401: port.ErrDenied, 403: port.ErrDenied, 404: port.ErrNotFound} {
		host := serve(t, answer(status))
		if _, err := New(Config{Hosts: []string{host}}).Digests(context.Background(), tag(t, host).String(), nil); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// counted gives a client whose pauses are noted, not waited.
func counted(host string) (*Client, *[]time.Duration) {
	c, pauses := New(Config{Hosts: []string{host}}), &[]time.Duration{}
	c.http = fence{c.hosts, patience{remote.DefaultTransport, func(ctx context.Context, d time.Duration) error {
		*pauses = append(*pauses, d)
		return ctx.Err()
	}}}
	return c, pauses
}

// TestThrottling: asked again a bounded number of times, as late as the
// registry says but not later than the client bears.
func TestThrottling(t *testing.T) {
	left, after := 0, ""
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") && r.Method == http.MethodHead && left > 0 {
			left--
			w.Header().Set("Retry-After", after)
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	})
	if err := remote.Write(tag(t, host), image(t, "linux", "amd64")); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		times int
		after string
		want  string
	}{{0, "", "[]"}, {2, "", "[1s 2s]"}, {1, "7", "[7s]"}, {1, "60", "[15s]"}, {9, "86400", "[]"}, {1, "soon", "[1s]"}, {9, "", "[1s 2s 4s]"}} {
		left, after = test.times, test.after
		c, pauses := counted(host)
		_, err := c.Digests(context.Background(), tag(t, host).String(), nil)
		if fmt.Sprint(*pauses) != test.want || errors.Is(err, port.ErrThrottled) != (test.times > 3) {
			t.Errorf("%+v: paused %v, %v", test, *pauses, err)
		}
	}
}

func TestADigestSeenBeforeCostsOneHead(t *testing.T) {
	var heads, gets atomic.Int32
	host := serve(t, func(_ http.ResponseWriter, r *http.Request) bool {
		if strings.Contains(r.URL.Path, "/manifests/") || strings.Contains(r.URL.Path, "/blobs/") {
			if r.Method == http.MethodHead {
				heads.Add(1)
			} else if r.Method == http.MethodGet {
				gets.Add(1)
			}
		}
		return false
	})
	if err := remote.Write(tag(t, host), image(t, "linux", "amd64")); err != nil {
		t.Fatal(err)
	}
	heads.Store(0)
	gets.Store(0)
	c := New(Config{Hosts: []string{host}})
	for range 3 {
		if got, err := c.Digests(context.Background(), tag(t, host).String(), nil); err != nil || len(got) != 1 {
			t.Fatalf("%v %v", got, err)
		}
	}
	if heads.Load() != 3 || gets.Load() != 2 {
		t.Errorf("%d HEAD and %d GET; want 3, and the manifest and the configuration once", heads.Load(), gets.Load())
	}
}

// TestNoErrorHoldsCredentials: neither those of the keychain, nor the signature
// in a redirect.
func TestNoErrorHoldsCredentials(t *testing.T) {
	down := httptest.NewServer(http.NotFoundHandler())
	down.Close()
	target := strings.TrimPrefix(down.URL, "http://")
	for what, answer := range map[string]http.HandlerFunc{
		"denied": func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			fmt.Fprint(w, r.Header.Get("Authorization"))
		},
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://"+target+"/?X-Amz-Signature=canary", http.StatusTemporaryRedirect)
		},
		"odd": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusTeapot)
			fmt.Fprint(w, "canary")
		},
	} {
		host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
			if _, password, _ := r.BasicAuth(); password == "" {
				w.Header().Set("WWW-Authenticate", "Basic")
				w.WriteHeader(http.StatusUnauthorized)
				return true
			}
			if strings.HasSuffix(r.URL.Path, "/v2/") {
				return false
			}
			answer(w, r)
			return true
		})
		c := New(Config{Hosts: []string{host, target}})
		c.keys = keychain{docker: login{}}
		_, err := c.Digests(context.Background(), tag(t, host).String(), nil)
		if err == nil {
			t.Errorf("%s: no error", what)
		}
		for e := err; e != nil; e = errors.Unwrap(e) {
			if strings.Contains(e.Error(), "canary") || strings.Contains(e.Error(), base64.StdEncoding.EncodeToString([]byte("user:canary"))) || strings.Contains(e.Error(), "\n") {
				t.Errorf("%s: %v", what, e)
			}
		}
	}
}

type login struct{}

func (login) Resolve(authn.Resource) (authn.Authenticator, error) {
	return authn.FromConfig(authn.AuthConfig{Username: "user", Password: "canary"}), nil
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	host := serve(t, func(http.ResponseWriter, *http.Request) bool { cancel(); return false })
	if _, err := New(Config{Hosts: []string{host}}).Digests(ctx, tag(t, host).String(), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	c := New(Config{Hosts: []string{host}})
	for range atOnce {
		c.gate(host).slots <- struct{}{}
	}
	if _, err := c.Digests(ctx, tag(t, host).String(), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestPlatforms(t *testing.T) {
	for want, p := range map[string]v1.Platform{
		"linux/arm64":  {OS: "linux", Architecture: "arm64", Variant: "v8"},
		"linux/arm/v6": {OS: "linux", Architecture: "arm", Variant: "v6"},
		"linux/amd64":  {OS: "linux", Architecture: "amd64"},
	} {
		if got := platform(p); got != want {
			t.Errorf("%s is written %s", want, got)
		}
	}
}

// TestFenced follows neither an unlisted host, nor a redirect or a token realm
// that leads to one.
func TestFenced(t *testing.T) {
	var stranger atomic.Int32
	other := serve(t, func(w http.ResponseWriter, _ *http.Request) bool { stranger.Add(1); w.WriteHeader(200); return true })
	redirect := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if strings.HasSuffix(r.URL.Path, "/v2/") {
			return false
		}
		http.Redirect(w, r, "http://"+other+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	realm := serve(t, func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+other+`/token",service="x"`)
		w.WriteHeader(http.StatusUnauthorized)
		return true
	})
	for what, host := range map[string]string{"redirect": redirect, "realm": realm} {
		_, err := New(Config{Hosts: []string{host}}).Digests(context.Background(), tag(t, host).String(), nil)
		if err == nil || what == "redirect" && !strings.Contains(err.Error(), other+" is not one that may be asked") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := New(Config{}).Digests(context.Background(), tag(t, other).String(), nil); err == nil {
		t.Error("a host that nobody listed was asked")
	}
	if n := stranger.Load(); n > 0 {
		t.Errorf("the stranger got %d requests", n)
	}
}

func TestHosts(t *testing.T) {
	got := Hosts([]string{"quay.io/domino/base:1", "quay.io/domino/base:2", "library/ubuntu", "::"})
	if strings.Join(got, " ") != "quay.io index.docker.io" {
		t.Error(got)
	}
}
