//go:build wire

package web

import (
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"domctl.dev/internal/wiretest"
)

// TestForgeSignInBrowser: somebody signs in with their account of a Gitea in a real
// browser, which takes the page's cookies and sends its forms; what another site sends
// there does nothing. Once the session is over, the page that is open says so.
func TestForgeSignInBrowser(t *testing.T) {
	forge := wiretest.Forge(t)
	ann := forge.User(t, "ann")
	r, _ := furnished(t)
	var site http.Handler
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { site.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	t.Cleanup(server.CloseClientConnections)
	client, secret := forge.Admin.Application(t, "domctl", server.URL+signedIn)
	g := guardOf(t, Access{URL: server.URL, Now: time.Now, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
		Roles: Roles{Act: []string{"user:" + ann.Name}}, Deployments: map[string]Roles{"staging": {}},
		OIDC: &OIDC{Issuer: forge.URL(), Client: client, Secret: func() (string, error) { return secret, nil }, Scopes: []string{"profile"}, User: "preferred_username"}})
	s := r.site()
	s.Who, s.Can, s.Token, s.SignOut = g.Who, g.Can, g.Token, SignOut
	site = g.Handler(s.Handler())

	b := newTab(t, chromedp.IgnoreCertErrors)
	// Gitea is built without its scripts, and its pages raise an alarm that waits for
	// somebody. Nobody needs any to sign in.
	scripts := func(on bool) {
		call(b, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !on})
	}
	scripts(false)
	one := server.URL + "/deployments/sim-modern"
	b.do(chromedp.Navigate(one), chromedp.SendKeys(chromedp.CSS("input[name=user_name]"), ann.Name), chromedp.SendKeys(chromedp.CSS("input[name=password]"), ann.Password+"\r"))
	b.do(chromedp.WaitVisible(chromedp.CSS("button[name=granted][value=true]")), chromedp.Click(chromedp.CSS("button[name=granted][value=true]")))
	b.until(fmt.Sprintf(`location.href === %q && document.querySelector("h1")?.textContent === "sim-modern"`, one))
	scripts(true)
	b.do(chromedp.Reload())
	b.forget() // what Gitea's pages complained of
	if seen := eval[string](b, `document.cookie`); seen != "" {
		t.Errorf("scripts see %q", seen)
	}
	b.do(chromedp.Navigate(server.URL))
	if eval[bool](b, `document.body.textContent.includes("staging")`) {
		t.Error("a deployment without a role is shown")
	}
	for _, l := range looks {
		l.set(b)
		b.accessible("signed in " + l.name)
		b.fits("signed in " + l.name)
		b.shot("signed-in-" + l.name)
	}
	b.quiet("signed in")

	// A form of another site, with her cookies: cookies are not told apart by port.
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = fmt.Fprintf(w, `<form method="post" action="%s%s"><button>Win</button></form>`, server.URL, SignOut)
	}))
	defer evil.Close()
	b.do(chromedp.Navigate(evil.URL), chromedp.Click(chromedp.CSS("button")), chromedp.WaitVisible(`//h1[text()="Not from here"]`))
	b.accessible("from another site")
	b.forget() // that it was refused
	b.do(chromedp.Navigate(one), chromedp.WaitVisible(`//h1[text()="sim-modern"]`))
	b.quiet("still signed in")

	b.do(chromedp.Click(`//button[text()="Sign out"]`), chromedp.WaitVisible(`//h1[text()="Signed out"]`))
	b.accessible("signed out")
	b.fits("signed out")
	b.shot("signed-out")
	b.quiet("signed out")

	// Gitea knows her and the page yet, so that signing in asks for nothing.
	b.do(chromedp.Navigate(one), chromedp.WaitVisible(`//h1[text()="sim-modern"]`))
	b.until(`document.getElementById("offline").hidden`)
	g.ended.mu.Lock()
	var open []string
	for id := range g.ended.watched {
		open = append(open, id)
	}
	g.ended.mu.Unlock()
	if len(open) != 1 {
		t.Fatalf("streams of %d sessions", len(open))
	}
	g.over(session{ID: open[0], Began: time.Now().Unix()})
	b.until(`!document.getElementById("offline").hidden`)
	b.accessible("over")
}

// forget leaves out what was complained of so far.
func (b *tab) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bad = nil
}
