package registry

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"github.com/google/go-containerregistry/pkg/compression"

	"domctl.dev/internal/port"
)

// guarded is a registry that asks for a password which it takes, as Amazon ECR does.
func guarded(t *testing.T, takes func(password string) bool, wrap func(http.ResponseWriter, *http.Request) bool) string {
	return serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if _, password, _ := r.BasicAuth(); !takes(password) {
			w.Header().Set("WWW-Authenticate", `Basic realm="ecr"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		return wrap != nil && wrap(w, r)
	})
}

// role answers a new password each time a fresh one is asked for.
type role struct{ n atomic.Int32 }

func (r *role) login(_ context.Context, _ string, fresh bool) (user, password string, ok bool, err error) {
	if fresh {
		r.n.Add(1)
	}
	return "AWS", fmt.Sprintf("canary-%d", r.n.Load()), true, nil
}

func put(t *testing.T, host, password string) string {
	t.Helper()
	i := made(t, mutate.Addendum{Layer: packed(t, text(9), compression.GZip, types.DockerLayer)})
	if err := remote.Write(tag(t, host), i, remote.WithAuth(&authn.Basic{Username: "AWS", Password: password})); err != nil {
		t.Fatal(err)
	}
	return tag(t, host).String()
}

// TestATokenThatEndsHalfWay is replaced once, and what was asked is asked again.
func TestATokenThatEndsHalfWay(t *testing.T) {
	var ready, over atomic.Bool
	host := guarded(t, func(password string) bool { return password == "canary-1" || password == "canary-0" && !over.Load() },
		func(_ http.ResponseWriter, r *http.Request) bool {
			over.Store(over.Load() || ready.Load() && r.Method == http.MethodHead && strings.Contains(r.URL.Path, "/manifests/1"))
			return false
		})
	image := put(t, host, "canary-0")
	ready.Store(true)
	var own role
	c := New(Config{Hosts: []string{host}, Login: own.login})
	if m := layersOf(t, c, image); len(m.Layers) != 1 || own.n.Load() != 1 {
		t.Errorf("%d fresh logins, %+v", own.n.Load(), m)
	}
	// One that is refused however fresh it is, is told as that.
	host = guarded(t, func(string) bool { return false }, nil)
	c = New(Config{Hosts: []string{host}, Login: own.login})
	if _, err := c.Layers(context.Background(), tag(t, host).String(), amd); !errors.Is(err, port.ErrDenied) || strings.Contains(err.Error(), "canary") || own.n.Load() != 2 {
		t.Errorf("%d fresh logins, %v", own.n.Load(), err)
	}
}

// TestALoginStaysWithItsHost: blobs lie elsewhere, and whoever keeps them is told
// nothing of who asks.
func TestALoginStaysWithItsHost(t *testing.T) {
	var told, asked atomic.Int32
	inner := ""
	bucket := serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		asked.Add(1)
		if len(r.Header["Authorization"]) > 0 || strings.Contains(fmt.Sprint(r.Header, r.URL), "canary") {
			told.Add(1)
		}
		w.WriteHeader(http.StatusNotFound)
		return true
	})
	host := guarded(t, func(password string) bool { return password == "canary-0" }, func(w http.ResponseWriter, r *http.Request) bool {
		if inner == "" || r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
			return false
		}
		http.Redirect(w, r, "http://"+bucket+r.URL.Path, http.StatusTemporaryRedirect)
		return true
	})
	inner = put(t, host, "canary-0")
	var own role
	_, err := New(Config{Hosts: []string{host, bucket}, Login: own.login}).Layers(context.Background(), inner, amd)
	if err == nil || strings.Contains(err.Error(), "canary") || asked.Load() == 0 || told.Load() > 0 {
		t.Errorf("asked %d times, told %d times: %v", asked.Load(), told.Load(), err)
	}
}

// TestDockersKeychainIsSecond: it is looked into where there is no other login, or
// none to be had; without it the reason is told.
func TestDockersKeychainIsSecond(t *testing.T) {
	host := guarded(t, func(password string) bool { return password == "canary" }, nil)
	image := put(t, host, "canary")
	none := errors.New("AWS ecr:GetAuthorizationToken: access denied")
	for name, own := range map[string]func(context.Context, string, bool) (string, string, bool, error){
		"nobody": nil,
		"other":  func(context.Context, string, bool) (string, string, bool, error) { return "", "", false, nil },
		"denied": func(context.Context, string, bool) (string, string, bool, error) { return "", "", true, none },
	} {
		c := New(Config{Hosts: []string{host}, Login: own})
		c.keys.docker = login{}
		if m := layersOf(t, c, image); len(m.Layers) != 1 {
			t.Errorf("%s: %+v", name, m)
		}
		c = New(Config{Hosts: []string{host}, Login: own})
		c.keys.docker = authn.NewMultiKeychain()
		_, err := c.Layers(context.Background(), image, amd)
		if err == nil || (name == "denied") != strings.Contains(err.Error(), none.Error()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestABearerTokenThatEndsHalfWay is asked for again at its realm.
func TestABearerTokenThatEndsHalfWay(t *testing.T) {
	var ready, over atomic.Bool
	var issued atomic.Int32
	host := ""
	host = serve(t, func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path == "/token" {
			fmt.Fprintf(w, `{"token":"canary-%d"}`, issued.Add(1))
			return true
		}
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		if token == "" || over.Load() && token == "canary-1" {
			w.Header().Set("WWW-Authenticate", `Bearer realm="http://`+host+`/token",service="x"`)
			w.WriteHeader(http.StatusUnauthorized)
			return true
		}
		over.Store(over.Load() || ready.Load() && r.Method == http.MethodHead)
		return false
	})
	image := put(t, host, "")
	issued.Store(0)
	ready.Store(true)
	if m := layersOf(t, client(host, ""), image); len(m.Layers) != 1 || issued.Load() != 2 {
		t.Errorf("%d tokens, %+v", issued.Load(), m)
	}
}
