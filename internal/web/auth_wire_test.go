//go:build wire

package web

import (
	"crypto/rand"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/wiretest"
)

// TestForgeSignIn: people of a Gitea sign in to a page with their accounts there, and see
// what the teams and names that it states of them may see.
func TestForgeSignIn(t *testing.T) {
	forge := wiretest.Forge(t)
	ann, ben, eve := forge.User(t, "ann"), forge.User(t, "ben"), forge.User(t, "eve")
	org := "acme" + ann.Name
	ann.Organization(t, org, "ops", ann)
	var handler http.Handler
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	client, secret := forge.Admin.Application(t, "domctl", server.URL+signedIn)
	g, err := NewGuard(Access{URL: server.URL, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Roles:       Roles{Look: []string{"user:" + ben.Name}, Act: []string{"group:" + org + ":ops"}},
		Deployments: map[string]Roles{"quiet": {Look: []string{"group:" + org}}},
		OIDC: &OIDC{Issuer: forge.URL(), Client: client, Secret: func() (string, error) { return secret, nil }, Scopes: []string{"profile", "groups"},
			User: "preferred_username", Groups: "groups"}})
	if err != nil {
		t.Fatal(err)
	}
	handler = g.Handler(rights(g))
	for _, c := range []struct {
		who  *wiretest.ForgeUser
		want string
	}{
		{ann, ann.Name + " prod look act quiet look"},
		{ben, ben.Name + " prod look quiet"},
		{eve, eve.Name + " prod quiet"},
	} {
		browser := visitor(t, server)
		res := c.who.SignIn(t, browser, server.URL+"/rights?of=all")
		if got := body(t, res); got != c.want || res.Request.URL.String() != server.URL+"/rights?of=all" {
			t.Errorf("%s at %s: %q, want %q", c.who.Name, res.Request.URL, got, c.want)
		}
		token := body(t, get(t, browser, server.URL+"/token"))
		res, err := browser.PostForm(server.URL+SignOut, url.Values{"csrf": {token}})
		if err != nil {
			t.Fatal(err)
		}
		if text := body(t, res); !strings.Contains(text, "signed out") {
			t.Error(text)
		}
		if res := get(t, browser, server.URL+"/rights"); res.StatusCode != http.StatusUnauthorized {
			t.Error(res.Status)
		}
	}
}

// rights is a site that says what who asks may do.
func rights(g *Guard) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /rights", func(w http.ResponseWriter, r *http.Request) {
		words := []string{g.Who(r.Context())}
		for _, d := range []string{"prod", "quiet"} {
			words = append(words, d)
			for _, right := range []Right{Look, Act} {
				if g.Can(r.Context(), d, right) {
					words = append(words, string(right))
				}
			}
		}
		_, _ = io.WriteString(w, strings.Join(words, " "))
	})
	mux.HandleFunc("GET /token", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, g.Token(r)) })
	mux.HandleFunc("POST /rights", func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "changed") })
	return mux
}

// visitor is a browser that nobody used before. It says that it shows pages.
func visitor(t *testing.T, server *httptest.Server) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: server.Client().Transport}
}

func get(t *testing.T, c *http.Client, at string) *http.Response {
	t.Helper()
	res, err := c.Get(at)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	return res
}

func body(t *testing.T, res *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return string(b)
}
