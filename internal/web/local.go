package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"domctl.dev/internal/gitops"
	"domctl.dev/planner"
)

// Local is one plan on this machine's own page. Its address holds a token that is good
// for one browser, once: it gets a cookie for it, and nobody else sees the plan.
type Local struct {
	Plan  planner.Plan
	Forge Forge
	Dir   string // of the deployment in its repository
	// Host is the only one that the page answers to, "127.0.0.1:40123".
	Host string
	// Token, Cookie and Form are secrets of this page, each its own.
	Token, Cookie, Form string
	end                 context.CancelFunc
}

// Address is where the plan is shown.
func (l *Local) Address() string {
	return "http://" + l.Host + "/?" + url.Values{"token": {l.Token}}.Encode()
}

// Serve shows the plan until whoever looks says that they are done, or the context ends.
func (l *Local) Serve(ctx context.Context, at net.Listener) error {
	ctx, done := context.WithCancel(ctx)
	defer done()
	l.end = done
	server := gitops.Server(l.Handler())
	server.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(at) }()
	select {
	case err := <-ended:
		return fmt.Errorf("page: %w", err)
	case <-ctx.Done():
	}
	const last = time.Second // for the answer that says that it ended
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), last)
	defer cancel()
	if server.Shutdown(closing) != nil {
		_ = server.Close()
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("page: %w", err)
	}
	return nil
}

// Handler serves the page.
func (l *Local) Handler() http.Handler {
	p := &localPage{Local: l, pages: templates(time.Now)}
	mux := http.NewServeMux()
	mux.Handle("GET /static/{file}", static())
	mux.HandleFunc("GET /{$}", p.plan)
	mux.HandleFunc("POST /end", p.end)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		p.say(w, http.StatusNotFound, message{"Not here", "There is nothing at this address.", "/", "The plan"})
	})
	cross := http.NewCrossOriginProtection().Handler(mux)
	return guarded(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Host != l.Host { // another name that leads here is a stranger's, whose scripts could read the page
			p.say(w, http.StatusMisdirectedRequest, message{Heading: "Not by this name", Text: "This page is only served at the address that domctl printed."})
			return
		}
		cross.ServeHTTP(w, r)
	}))
}

type localPage struct {
	*Local
	pages *template.Template
	used  atomic.Bool
}

func (p *localPage) say(w http.ResponseWriter, status int, m message) {
	writePage(w, p.pages, status, frame{Title: m.Heading, Name: "message", Body: m}, slog.New(slog.DiscardHandler))
}

// cookie has the port in its name: cookies are not told apart by it.
func (p *localPage) cookie() string {
	u := url.URL{Host: p.Host}
	return "domctl-" + u.Port()
}

func same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

func (p *localPage) known(r *http.Request) bool {
	c, err := r.Cookie(p.cookie())
	return err == nil && same(c.Value, p.Cookie)
}

func (p *localPage) plan(w http.ResponseWriter, r *http.Request) {
	token := r.URL.Query().Get("token")
	switch {
	case token != "" && same(token, p.Token) && p.used.CompareAndSwap(false, true):
		http.SetCookie(w, &http.Cookie{Name: p.cookie(), Value: p.Cookie, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode})
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case token != "" && p.known(r): // the address again, in the browser that used it
		http.Redirect(w, r, "/", http.StatusSeeOther)
	case !p.known(r):
		p.say(w, http.StatusForbidden, message{Heading: "Not open", Text: "The address that domctl plan --web prints opens this page once, in one browser. Run it again for another."})
	default:
		f := frame{Title: "Plan of " + shown(p.Plan.Deployment), Name: "plan", Local: true, Token: p.Form, Body: planOf(p.Plan, p.Forge, p.Dir, from(r))}
		writePage(w, p.pages, http.StatusOK, f, slog.New(slog.DiscardHandler))
	}
}

func (p *localPage) end(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 4096)
	if !p.known(r) || !same(r.PostFormValue("csrf"), p.Form) {
		p.say(w, http.StatusForbidden, message{Heading: "Not done", Text: "Only the page itself ends this. Ctrl-C at the terminal does too."})
		return
	}
	p.say(w, http.StatusOK, message{Heading: "Done", Text: "domctl has ended. You can close this page."})
	p.Local.end()
}
