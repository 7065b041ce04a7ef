package registry

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

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
	c := New([]string{host})
	got, err := c.Digests(context.Background(), tag(t, host).String(), nil)
	if err != nil || len(got) != 2 || got["linux/arm64"] != want.String() {
		t.Fatalf("%v %v", got, err)
	}
	if got, err = c.Digests(context.Background(), tag(t, host).String(), []string{"linux/arm64"}); err != nil || len(got) != 1 {
		t.Fatalf("%v %v", got, err)
	}
	if _, err = c.Digests(context.Background(), tag(t, host).String(), []string{"linux/s390x"}); !errors.Is(err, port.ErrNotFound) {
		t.Fatal(err)
	}
}

func TestDigestOfASingleImage(t *testing.T) {
	host := serve(t, nil)
	i := image(t, "linux", "amd64")
	if err := remote.Write(tag(t, host), i); err != nil {
		t.Fatal(err)
	}
	want, _ := i.Digest()
	got, err := New([]string{host}).Digests(context.Background(), tag(t, host).String(), nil)
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
		if _, err := New([]string{host}).Digests(context.Background(), tag(t, host).String(), nil); !errors.Is(err, want) {
			t.Errorf("%d: %v", status, err)
		}
	}
}

// TestThrottledOnce is asked again and answered.
func TestThrottledOnce(t *testing.T) {
	var n atomic.Int32
	host := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/manifests/") && n.Add(1) == 1 {
			w.WriteHeader(http.StatusTooManyRequests)
			return true
		}
		return false
	})
	if err := remote.Write(tag(t, host), image(t, "linux", "amd64")); err != nil {
		t.Fatal(err)
	}
	if _, err := New([]string{host}).Digests(context.Background(), tag(t, host).String(), nil); err != nil || n.Load() < 2 {
		t.Fatalf("%v after %d requests", err, n.Load())
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
		_, err := New([]string{host}).Digests(context.Background(), tag(t, host).String(), nil)
		if err == nil || what == "redirect" && !strings.Contains(err.Error(), other+" is not one that may be asked") {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := New(nil).Digests(context.Background(), tag(t, other).String(), nil); err == nil {
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
