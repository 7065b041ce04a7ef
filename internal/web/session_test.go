package web

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// in is a browser of somebody who signed in.
func (p *page) in(t *testing.T) *http.Client {
	t.Helper()
	b := p.browser(t)
	if res := ask(t, b, pageURL+signIn+"?to=/rights"); res.StatusCode != http.StatusOK {
		t.Fatalf("%s\n%s", res.Status, p.log.String())
	}
	return b
}

func (p *page) status(t *testing.T, b *http.Client) int {
	t.Helper()
	return ask(t, b, pageURL+"/rights").StatusCode
}

// TestSessionEnds an hour after its last request, and after eight hours.
func TestSessionEnds(t *testing.T) {
	p := newPage(t, nil)
	b := p.in(t)
	at := func(after time.Duration, want int) {
		t.Helper()
		if p.now = p.now.Add(after); p.status(t, b) != want {
			t.Errorf("after %s: not %d", after, want)
		}
	}
	at(59*time.Minute, 200)
	at(59*time.Minute, 200)
	at(61*time.Minute, 401)
	b = p.in(t)
	for range 9 {
		at(50*time.Minute, 200)
	}
	at(29*time.Minute, 200)
	at(2*time.Minute, 401)
	// A stream keeps nobody in.
	b = p.in(t)
	p.now = p.now.Add(40 * time.Minute)
	r, _ := http.NewRequest(http.MethodGet, pageURL+"/rights", nil)
	r.Header.Set("Accept", "text/event-stream")
	if res, err := b.Do(r); err != nil || res.StatusCode != 200 || len(res.Cookies()) > 0 {
		t.Error(res, err)
	}
	at(21*time.Minute, 401)
	// Nor does a clock that another replica has ahead.
	b = p.in(t)
	at(-2*time.Minute, 401)
	at(90*time.Second, 200)
}

// TestCookies: they are for this host alone, over TLS alone, and for no script.
func TestCookies(t *testing.T) {
	p := newPage(t, nil)
	w := httptest.NewRecorder()
	p.site.ServeHTTP(w, request(http.MethodGet, signIn))
	if got := w.Header().Get("Set-Cookie"); !strings.HasPrefix(got, "__Host-domctl-sign-in=") || !strings.HasSuffix(got, "; Path=/; Max-Age=600; HttpOnly; Secure; SameSite=Lax") {
		t.Error(got)
	}
	b := p.browser(t)
	answer := stopAt(t, b, signedIn)
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	res := ask(t, b, answer.String())
	set := strings.Join(res.Header.Values("Set-Cookie"), "\n")
	if !strings.HasPrefix(set, "__Host-domctl-sign-in=; Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Lax\n__Host-domctl=") || !strings.HasSuffix(set, "; Path=/; Max-Age=28800; HttpOnly; Secure; SameSite=Lax") {
		t.Error(set)
	}
	for _, c := range res.Cookies() {
		if strings.Contains(c.Value, "ann") {
			t.Errorf("%s can be read", c.Name)
		}
	}
	if got := res.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("Cache-Control is %q", got)
	}
}

func request(method, path string) *http.Request {
	r := httptest.NewRequest(method, pageURL+path, nil)
	r.Host = "page.example"
	return r
}

// TestFixation: a session that somebody planted is not the one that is signed in to, and
// is over.
func TestFixation(t *testing.T) {
	p := newPage(t, nil)
	eve := p.in(t)
	planted := cookies(eve)
	ann := p.browser(t)
	at := request(http.MethodGet, "/").URL
	ann.Jar.SetCookies(at, planted)
	ask(t, ann, pageURL+signIn+"?to=/rights")
	if now := cookies(ann); len(now) != 1 || now[0].Value == planted[0].Value {
		t.Error("the planted cookie stands")
	}
	if p.status(t, eve) != 401 || p.status(t, ann) != 200 {
		t.Error("who planted it is in, or who signed in is not")
	}
}

// TestSignOut ends the session, also where the cookie was kept, and no other.
func TestSignOut(t *testing.T) {
	p := newPage(t, nil)
	b, other := p.in(t), p.in(t)
	kept := cookies(b)
	token := body(t, ask(t, b, pageURL+"/token"))
	res, err := b.PostForm(pageURL+SignOut, form(token))
	if err != nil || !strings.Contains(body(t, res), "signed out") || res.Request.URL.Path != signedOut {
		t.Error(err, res)
	}
	if p.status(t, b) != 401 || p.status(t, other) != 200 {
		t.Error("not just that session is over")
	}
	b.Jar.SetCookies(res.Request.URL, kept)
	if p.status(t, b) != 401 {
		t.Error("a cookie that was kept is taken")
	}
}

// TestReplicas: one takes the cookies of another with the same key, and of a former key as
// long as it is listed.
func TestReplicas(t *testing.T) {
	p := newPage(t, nil)
	b := p.in(t)
	token := body(t, ask(t, b, pageURL+"/token"))
	other := guardOf(t, p.guard.access)
	p.site = other.Handler(rights(other))
	if p.status(t, b) != 200 {
		t.Error("another replica does not know her")
	}
	if res, err := b.PostForm(pageURL+"/rights", form(token)); err != nil || res.StatusCode != 200 {
		t.Error("another replica does not take her form")
	}
	older := p.key
	p.key = strings.Repeat("n", 40) + "\n" + older + "\n"
	if p.status(t, b) != 200 {
		t.Error("the former key is listed, and does not open")
	}
	if res, err := b.PostForm(pageURL+"/rights", form(token)); err != nil || res.StatusCode != 200 {
		t.Error("the former key is listed, and does not sign")
	}
	p.now = p.now.Add(10 * time.Minute)
	p.status(t, b)
	p.key = strings.Repeat("n", 40)
	if p.status(t, b) != 200 {
		t.Error("it was not sealed anew with the first key")
	}
	p.key = older
	if p.status(t, b) != 401 {
		t.Error("a key that is not listed opens")
	}
	p.key = ""
	res := ask(t, b, pageURL+"/rights")
	if text := body(t, res); res.StatusCode != 503 || strings.Contains(text, "key") || !strings.Contains(p.log.String(), "page.key: the key of the page is empty") {
		t.Errorf("%s %s", res.Status, text)
	}
	p.key = strings.Repeat("n", 40) + "\nshort"
	if _, err := NewGuard(p.guard.access); err == nil || err.Error() != "page.key: a key of the page has 5 bytes; at least 32 are needed" {
		t.Error(err)
	}
	a := p.guard.access
	a.Key = nil
	one, two := guardOf(t, a), guardOf(t, a)
	if k, _ := one.keys(); len(k[0]) != 43 || one.own == two.own {
		t.Error("processes without a key share one")
	}
}

// TestSealed: what was sealed for one purpose does not open for another, and nothing that
// was changed opens.
func TestSealed(t *testing.T) {
	k := keys{strings.Repeat("k", 32)}
	text, err := k.seal(sessionCookie, rand.Reader, session{ID: "1", User: "ann"})
	if err != nil {
		t.Fatal(err)
	}
	var s session
	if err := k.open(sessionCookie, text, &s); err != nil || s.User != "ann" {
		t.Error(s, err)
	}
	if err := k.open(flowCookie, text, &s); !errors.Is(err, errSealed) {
		t.Error(err)
	}
	for i := range text {
		changed := []byte(text)
		changed[i] ^= 1
		if err := k.open(sessionCookie, string(changed), &s); !errors.Is(err, errSealed) {
			t.Errorf("%d: %v", i, err)
		}
	}
	if _, err := k.seal(sessionCookie, rand.Reader, session{Groups: []string{strings.Repeat("g", 4000)}}); err == nil || !strings.Contains(err.Error(), "more than browsers take") {
		t.Error(err)
	}
	again, _ := k.seal(sessionCookie, rand.Reader, session{ID: "1", User: "ann"})
	if again == text {
		t.Error("a nonce was used twice")
	}
}

// TestStreamEnds with its session, whichever way that ends, and after five minutes.
func TestStreamEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for what, c := range map[string]struct {
			began time.Duration // before the stream
			do    func(*Guard, session)
			want  time.Duration
			over  error
		}{
			"signed out":   {0, func(g *Guard, s session) { time.Sleep(time.Minute); g.over(s) }, time.Minute, errOver},
			"over in bits": {7*time.Hour + 58*time.Minute, nil, 2 * time.Minute, errOver},
			"at most":      {0, nil, longest, errOver},
		} {
			g := guardOf(t, Access{URL: pageURL, OIDC: &OIDC{}, Now: time.Now, Random: rand.Reader, Roles: Roles{Look: []string{"everyone"}}})
			k, _ := g.keys()
			now := time.Now()
			s := session{ID: what, User: "ann", Began: now.Add(-c.began).Unix(), Seen: now.Unix()}
			text, _ := k.seal(sessionCookie, rand.Reader, s)
			r := request(http.MethodGet, "/events")
			r.Header.Set("Accept", "text/event-stream")
			r.AddCookie(&http.Cookie{Name: sessionCookie, Value: text})
			if c.do != nil {
				go c.do(g, s)
			}
			var may []bool
			site := g.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				may = append(may, g.Can(r.Context(), "prod", Look))
				<-r.Context().Done()
				if err := context.Cause(r.Context()); !errors.Is(err, c.over) {
					t.Errorf("%s: %v", what, err)
				}
				may = append(may, g.Can(r.Context(), "prod", Look))
			}))
			site.ServeHTTP(httptest.NewRecorder(), r)
			if got := time.Since(now); got != c.want || !may[0] || may[1] != (what == "at most") {
				t.Errorf("%s: %s %v", what, got, may)
			}
			if len(g.ended.watched) > 0 {
				t.Errorf("%s: it is watched on", what)
			}
		}
	})
}

// FuzzOpen: no cookie makes anything of nothing.
func FuzzOpen(f *testing.F) {
	k := keys{strings.Repeat("k", 32)}
	text, _ := k.seal(sessionCookie, strings.NewReader(strings.Repeat("r", 12)), session{ID: "1"}) // alike in every process
	for _, seed := range []string{text, text + "A", "", "A", strings.Repeat("A", 5000), "A=B", "\x00"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, cookie string) {
		var s session
		if err := k.open(sessionCookie, cookie, &s); err == nil && cookie != text || err != nil && s.ID != "" {
			t.Errorf("%q opened as %+v, %v", cookie, s, err)
		}
		if k.signed("1", cookie) {
			t.Errorf("%q is signed", cookie)
		}
	})
}
