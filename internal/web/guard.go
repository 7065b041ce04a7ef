package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Guard stands before a site: it answers only to the site's own names, knows who asks,
// and takes no change that was not sent from the page itself.
type Guard struct {
	access   Access
	own      string // the key where none is configured
	hosts    map[string]bool
	cross    *http.CrossOriginProtection
	ended    ended
	provider *provider
}

// longest is how long a request may take, and so how long a stream lasts before the
// browser asks anew: a session that was ended on another replica is over on this one by
// then too.
const longest = 5 * time.Minute

// NewGuard makes one; the provider is not asked yet, so it may be down.
func NewGuard(a Access) (*Guard, error) {
	g := &Guard{access: a, cross: http.NewCrossOriginProtection(), hosts: map[string]bool{}}
	var err error
	if g.own, err = a.random(); err != nil {
		return nil, err
	}
	if a.OIDC == nil {
		g.hosts = map[string]bool{"localhost": true, "127.0.0.1": true, "::1": true}
		return g, nil
	}
	u, err := url.Parse(a.URL)
	if err != nil || u.Host == "" {
		return nil, fmt.Errorf("page.url: %q is no address", a.URL)
	}
	if err := g.cross.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
		return nil, fmt.Errorf("page.url: %w", err)
	}
	for _, name := range append(a.Hosts, u.Hostname()) {
		g.hosts[strings.ToLower(name)] = true
	}
	if _, err := g.keys(); err != nil {
		return nil, err
	}
	g.provider = &provider{oidc: *a.OIDC, back: strings.TrimSuffix(a.URL, "/") + signedIn, now: a.Now}
	return g, nil
}

func (g *Guard) keys() (keys, error) {
	if g.access.OIDC == nil || g.access.Key == nil {
		return keys{g.own}, nil
	}
	text, err := g.access.Key()
	if err != nil {
		return nil, fmt.Errorf("page.key: %w", err)
	}
	k, err := newKeys(text)
	if err != nil {
		return nil, fmt.Errorf("page.key: %w", err)
	}
	return k, nil
}

// Handler serves a site to those who may see it. What is below /static/ is everybody's.
func (g *Guard) Handler(site http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /static/", site)
	mux.Handle("/", g.known(site.ServeHTTP))
	if g.access.OIDC != nil {
		mux.HandleFunc("GET "+signIn, g.signIn)
		mux.HandleFunc("GET "+signedIn, g.signedIn)
		mux.HandleFunc("GET "+signedOut, g.signedOut)
		mux.Handle("POST "+SignOut, g.known(g.signOut))
	}
	g.cross.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		g.say(w, r, http.StatusForbidden, "The request comes from another site. Open this page itself, and do it there.")
	}))
	return guarded(g.named(g.cross.Handler(mux)))
}

// named answers only to the page's own names: another one that leads here may be a
// stranger's, whose scripts could then read the page.
func (g *Guard) named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.hosts[hostname(r.Host)] {
			w.Header().Set("Connection", "close")
			g.say(w, r, http.StatusMisdirectedRequest, "The page is not served under this name. Use its own; page.url and page.hosts of the controller's configuration say which.")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname is a Host header without its port, in lower case.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(host, "["), "]"))
}

// known lets those on who are signed in, with what is known of them.
func (g *Guard) known(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, err := g.keys()
		if err != nil {
			g.broken(w, r, err)
			return
		}
		v := visit{keys: k, session: session{ID: "local"}}
		ctx, cancel := context.WithTimeoutCause(r.Context(), longest, errOver)
		defer cancel()
		if g.access.OIDC != nil {
			if v.session, err = g.session(r, k); err != nil {
				g.unknown(w, r)
				return
			}
			var left func()
			ctx, left = g.ended.watch(ctx, v.session.ID)
			defer left()
			ctx, cancel = context.WithTimeoutCause(ctx, v.session.end().Sub(g.access.Now()), errOver)
			defer cancel()
			g.renew(w, r, v)
		}
		if !g.wanted(w, r, v) {
			return
		}
		next(w, r.WithContext(context.WithValue(ctx, visitKey{}, v)))
	})
}

var errUnknown = errors.New("nobody is signed in")

// session is the one of the cookie.
func (g *Guard) session(r *http.Request, k keys) (s session, err error) {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return s, errUnknown
	}
	if err := k.open(sessionCookie, c.Value, &s); err != nil {
		return s, err
	}
	if !g.lives(s) {
		return s, errOver
	}
	return s, nil
}

// renew lets a session go on that is used. A stream uses none: it goes on by itself.
func (g *Guard) renew(w http.ResponseWriter, r *http.Request, v visit) {
	now := g.access.Now().Unix()
	if r.Header.Get("Accept") == "text/event-stream" || now-v.session.Seen < int64(idle/time.Second)/10 {
		return
	}
	v.session.Seen = now
	if err := g.keep(w, v.keys, v.session); err != nil {
		g.access.Log.Error("page", "why", err)
	}
}

// unknown has who opens a page sign in; what no person looks at is refused.
func (g *Guard) unknown(w http.ResponseWriter, r *http.Request) {
	if reads(r.Method) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, signIn+"?"+url.Values{"to": {local(r.URL.RequestURI())}}.Encode(), http.StatusSeeOther)
		return
	}
	g.say(w, r, http.StatusUnauthorized, "You are not signed in, or no longer. Sign in at "+signIn+".")
}

// local is an address to go on to after signing in: one of this page, or its front. A
// browser takes what begins with two slashes, or slash and backslash, for another site.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" || len(to) > 1024 ||
		!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.ContainsFunc(to, func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f }) {
		return "/"
	}
	for _, own := range []string{signIn, signedIn, signedOut, SignOut} {
		if u.Path == own {
			return "/"
		}
	}
	return to
}

// said is a page of one sentence.
var said = template.Must(template.New("said").Parse(`<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>domctl</title>
<main><p>{{.Text}}</p>{{if .To}}<p><a href="{{.To}}">Sign in</a></p>{{end}}</main></html>
`))

// say answers with a sentence, and a way to sign in where that may help.
func (g *Guard) say(w http.ResponseWriter, _ *http.Request, status int, text string) {
	to := ""
	if g.access.OIDC != nil && status != http.StatusMisdirectedRequest {
		to = signIn
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_ = said.Execute(w, struct{ Text, To string }{text, to})
}

// broken tells the log why, and who asks only that.
func (g *Guard) broken(w http.ResponseWriter, r *http.Request, err error) {
	g.access.Log.Error("page", "why", err)
	g.say(w, r, http.StatusServiceUnavailable, "The page cannot tell who you are at the moment. The controller's log says why.")
}
