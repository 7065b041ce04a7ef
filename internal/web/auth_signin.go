package web

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Where people sign in and out.
const (
	signIn    = "/sign-in"
	signedIn  = "/signed-in" // the provider sends them back there
	signedOut = "/signed-out"
	// SignOut is where a form that ends the session posts to.
	SignOut = "/sign-out"
)

// Browsers keep cookies of these names for the page's own host alone, and send them over
// TLS alone.
const (
	sessionCookie = "__Host-domctl"
	flowCookie    = "__Host-domctl-sign-in"
)

// hurry is how long a sign-in may take.
const hurry = 10 * time.Minute

// signIn sends somebody to the provider, and keeps in their browser what it must come
// back with.
func (g *Guard) signIn(w http.ResponseWriter, r *http.Request) {
	f, k, err := g.newFlow(local(r.URL.Query().Get("to")))
	if err != nil {
		g.broken(w, err)
		return
	}
	at, err := g.provider.begin(r.Context(), f)
	if err != nil {
		g.access.Log.Warn("page: nobody can sign in", "why", err)
		g.say(w, http.StatusServiceUnavailable, "Nobody can sign in", "The sign-in provider does not answer, so nobody can sign in. Who is signed in goes on. Try again in a minute; the controller's log says why.")
		return
	}
	text, err := k.seal(flowCookie, g.access.Random, f)
	if err != nil {
		g.broken(w, err)
		return
	}
	setCookie(w, flowCookie, text, hurry)
	http.Redirect(w, r, at, http.StatusSeeOther)
}

func (g *Guard) newFlow(to string) (f flow, k keys, err error) {
	f = flow{To: to, Began: g.access.Now().Unix()}
	for _, t := range []*string{&f.State, &f.Nonce, &f.Verifier} {
		if *t, err = g.access.random(); err != nil {
			return f, nil, err
		}
	}
	k, err = g.keys()
	return f, k, err
}

// signedIn takes back who comes from the provider. Whatever browser comes, it must be the
// one that went, with what went with it, once.
func (g *Guard) signedIn(w http.ResponseWriter, r *http.Request) {
	k, err := g.keys()
	if err != nil {
		g.broken(w, err)
		return
	}
	f, err := g.flow(r, k)
	setCookie(w, flowCookie, "", -1)
	var s session
	if err == nil {
		s, err = g.provider.finish(r.Context(), f, r.URL.Query().Get("code"), g.access.named())
	}
	if err == nil {
		err = g.start(w, r, k, s)
	}
	if err != nil {
		g.access.Log.Warn("page: a sign-in failed", "why", err)
		g.say(w, http.StatusForbidden, "The sign-in failed", "Try again; if it fails again, the controller's log says why.")
		return
	}
	http.Redirect(w, r, f.To, http.StatusSeeOther)
}

// flow is the sign-in that a browser began, of which the answer is. It is used up then.
func (g *Guard) flow(r *http.Request, k keys) (f flow, err error) {
	c, err := r.Cookie(flowCookie)
	if err != nil {
		return f, errors.New("this browser has begun no sign-in, or not within the last ten minutes")
	}
	if err := k.open(flowCookie, c.Value, &f); err != nil {
		return f, err
	}
	now, q := g.access.Now(), r.URL.Query()
	began := time.Unix(f.Began, 0)
	if now.After(began.Add(hurry)) {
		return f, errors.New("the sign-in took longer than ten minutes")
	}
	if subtle.ConstantTimeCompare([]byte(q.Get("state")), []byte(f.State)) != 1 {
		return f, errors.New("the answer is to another sign-in: its state is not the one that was sent")
	}
	if !g.provider.issued(q) {
		return f, fmt.Errorf("the answer is of another provider, %q", short(q.Get("iss")))
	}
	if said := q.Get("error"); said != "" {
		return f, fmt.Errorf("the provider refuses: %q", short(said))
	}
	if q.Get("code") == "" {
		return f, errors.New("the answer has no code")
	}
	if !g.ended.add(f.State, now, began.Add(hurry+skew)) {
		return f, errors.New("the answer came before")
	}
	return f, nil
}

// start begins a session under an id that nobody had before; one that the browser was in
// is over.
func (g *Guard) start(w http.ResponseWriter, r *http.Request, k keys, s session) (err error) {
	if s.ID, err = g.access.random(); err != nil {
		return err
	}
	if old, err := g.session(r, k); err == nil {
		g.over(old)
	}
	s.Began = g.access.Now().Unix()
	s.Seen = s.Began
	g.access.Log.Info("page: signed in", "who", s.User, "groups", s.Groups)
	return g.keep(w, k, s)
}

// keep gives the browser a session as it stands.
func (g *Guard) keep(w http.ResponseWriter, k keys, s session) error {
	text, err := k.seal(sessionCookie, g.access.Random, s)
	if err == nil {
		setCookie(w, sessionCookie, text, time.Unix(s.Began, 0).Add(absolute).Sub(g.access.Now()))
	}
	return err
}

// signOut ends the session, and what is open of it.
func (g *Guard) signOut(w http.ResponseWriter, r *http.Request) {
	if v, ok := visitOf(r.Context()); ok {
		g.over(v.session)
	}
	setCookie(w, sessionCookie, "", -1)
	http.Redirect(w, r, signedOut, http.StatusSeeOther)
}

func (g *Guard) over(s session) {
	g.ended.add(s.ID, g.access.Now(), time.Unix(s.Began, 0).Add(absolute+skew))
}

func (g *Guard) signedOut(w http.ResponseWriter, _ *http.Request) {
	g.say(w, http.StatusOK, "Signed out", "You are signed out of this page. The provider may still know you.")
}

// setCookie keeps one in the browser for a time, and removes it if that is negative.
func setCookie(w http.ResponseWriter, name, value string, keep time.Duration) {
	age := int(keep / time.Second)
	if keep < 0 {
		age = -1
	}
	http.SetCookie(w, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: age, Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}
