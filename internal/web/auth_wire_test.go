//go:build wire

package web

import (
	"crypto/rand"
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
		token := body(t, ask(t, browser, server.URL+"/token"))
		res, err := browser.PostForm(server.URL+SignOut, url.Values{"csrf": {token}})
		if err != nil {
			t.Fatal(err)
		}
		if text := body(t, res); !strings.Contains(text, "signed out") {
			t.Error(text)
		}
		if res := ask(t, browser, server.URL+"/rights"); res.StatusCode != http.StatusUnauthorized {
			t.Error(res.Status)
		}
	}
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
