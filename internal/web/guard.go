package web

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
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
	pages    *template.Template
}

// longest is how long a request may take, and so how long a stream lasts before the
// browser asks anew: a session that was ended on another replica is over on this one by
// then too.
const longest = 5 * time.Minute

// NewGuard makes one; the provider is not asked yet, so it may be down.
func NewGuard(a Access) (*Guard, error) {
	if a.Log == nil {
		a.Log = slog.New(slog.DiscardHandler)
	}
	g := &Guard{access: a, cross: http.NewCrossOriginProtection(), hosts: map[string]bool{}, pages: templates(a.Now)}
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
		g.say(w, http.StatusForbidden, "Not from here", "The request comes from another site. Open this page itself, and do it there.")
	}))
	return guarded(g.addressed(g.cross.Handler(mux)))
}

// addressed answers only to the page's own names: another one that leads here may be a
// stranger's, whose scripts could then read the page.
func (g *Guard) addressed(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !g.hosts[hostname(r.Host)] {
			w.Header().Set("Connection", "close")
			g.say(w, http.StatusMisdirectedRequest, "Not by this name", "The page is not served under this name. Use its own; page.url and page.hosts of the controller's configuration say which.")
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
			g.broken(w, err)
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

// renew lets a session go on that somebody uses: what a page fetches by itself, and its
// stream, are not somebody.
func (g *Guard) renew(w http.ResponseWriter, r *http.Request, v visit) {
	now := g.access.Now().Unix()
	if !opens(r) || now-v.session.Seen < int64(idle/time.Second)/10 {
		return
	}
	v.session.Seen = now
	if err := g.keep(w, v.keys, v.session); err != nil {
		g.access.Log.Error("page", "why", err)
	}
}

// opens says of a request that somebody opens a page by it, or may: not each browser
// tells.
func opens(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return r.Header.Get("Accept") != "text/event-stream" && (dest == "" || dest == "document")
}

// unknown has who opens a page sign in; what no person looks at is refused.
func (g *Guard) unknown(w http.ResponseWriter, r *http.Request) {
	if reads(r.Method) && opens(r) && strings.Contains(r.Header.Get("Accept"), "text/html") {
		http.Redirect(w, r, signIn+"?"+url.Values{"to": {local(r.URL.RequestURI())}}.Encode(), http.StatusSeeOther)
		return
	}
	g.say(w, http.StatusUnauthorized, "Not signed in", "You are not signed in, or no longer.")
}

// local is an address to go on to after signing in: one of this page, or its front. A
// browser takes what begins with two slashes, or slash and backslash, for another site.
func local(to string) string {
	u, err := url.Parse(to)
	if err != nil || u.Scheme != "" || u.Host != "" || len(to) > 1024 ||
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

// say answers with a page that says one thing, of who asks nothing, and with a way to
// sign in where that may help.
func (g *Guard) say(w http.ResponseWriter, status int, heading, text string) {
	m := message{Heading: heading, Text: text}
	if g.access.OIDC != nil && status != http.StatusMisdirectedRequest {
		m.URL, m.Link = signIn, "Sign in"
	}
	writePage(w, g.pages, status, frame{Title: heading, Name: "message", Body: m}, g.access.Log)
}

// broken tells the log why, and who asks only that.
func (g *Guard) broken(w http.ResponseWriter, err error) {
	g.access.Log.Error("page", "why", err)
	g.say(w, http.StatusServiceUnavailable, "Not now", "The page cannot tell who you are at the moment. The controller's log says why.")
}
