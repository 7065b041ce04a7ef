package web

import (
	"bytes"
	"crypto/rand"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

const pageURL = "https://page.example"

// page is a guarded site, asked without a network, and a clock.
type page struct {
	*issuer
	guard *Guard
	site  http.Handler
	log   bytes.Buffer
	now   time.Time
	key   string
}

func newPage(t *testing.T, change func(*Access)) *page {
	t.Helper()
	p := &page{issuer: newIssuer(t), now: time.Now().Truncate(time.Second), key: strings.Repeat("k", 32)}
	p.issuer.now = func() time.Time { return p.now }
	a := Access{URL: pageURL, Now: func() time.Time { return p.now }, Random: rand.Reader, Log: slog.New(slog.NewTextHandler(&p.log, nil)),
		Key: func() (string, error) { return p.key, nil }, Roles: Roles{Look: []string{"group:dev"}, Act: []string{"group:ops"}},
		Deployments: map[string]Roles{"quiet": {Look: []string{"user:ben@acme.example"}}},
		OIDC:        &OIDC{Issuer: p.URL, Client: "domctl", Secret: func() (string, error) { return clientSecret, nil }, User: "email", Groups: "groups"}}
	p.token = func(_, claims map[string]any) { claims["email_verified"] = true }
	if change != nil {
		change(&a)
	}
	p.guard = guardOf(t, a)
	p.site = p.guard.Handler(rights(p.guard))
	return p
}

func guardOf(t *testing.T, a Access) *Guard {
	t.Helper()
	g, err := NewGuard(a)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// browser is one that nobody used before: what is of the page's host is answered by it.
func (p *page) browser(t *testing.T) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &http.Client{Jar: jar, Transport: inner{p}}
}

type inner struct{ p *page }

func (i inner) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != "page.example" {
		return http.DefaultTransport.RoundTrip(r)
	}
	w := httptest.NewRecorder()
	r.Host = r.URL.Host
	if r.Body == nil {
		r.Body = http.NoBody
	}
	i.p.site.ServeHTTP(w, r)
	res := w.Result()
	res.Request = r
	return res, nil
}

// TestSignIn: who comes back as who went has what their groups may, and is where they
// wanted to go.
func TestSignIn(t *testing.T) {
	p := newPage(t, nil)
	b := p.browser(t)
	r, _ := http.NewRequest(http.MethodGet, pageURL+"/rights?of=all", nil)
	r.Header.Set("Accept", "text/html,*/*")
	res, err := b.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if got := body(t, res); got != "ann@acme.example prod look act quiet" || res.Request.URL.String() != pageURL+"/rights?of=all" {
		t.Errorf("%s: %q\n%s", res.Request.URL, got, p.log.String())
	}
	if strings.Contains(p.log.String(), "others") {
		t.Errorf("groups that no role names are kept: %s", p.log.String())
	}
}

// TestSpoiltSignIn: whatever is wrong with what comes back, nobody is signed in by it, and
// the log says why.
func TestSpoiltSignIn(t *testing.T) {
	claim := func(name string, v any) func(*page) {
		return func(p *page) { p.token = func(_, c map[string]any) { c["email_verified"] = true; c[name] = v } }
	}
	head := func(name string, v any) func(*page) {
		return func(p *page) { p.token = func(h, c map[string]any) { c["email_verified"] = true; h[name] = v } }
	}
	back := func(name, v string) func(*page) {
		return func(p *page) { p.answer = func(q url.Values) { q.Set(name, v) } }
	}
	instead := func(path string, do func(http.ResponseWriter, *http.Request)) func(*page) {
		return func(p *page) {
			p.before = func(w http.ResponseWriter, r *http.Request) bool {
				if r.URL.Path == path {
					do(w, r)
				}
				return r.URL.Path == path
			}
		}
	}
	hour := time.Now().Add(time.Hour)
	for what, c := range map[string]struct {
		spoil func(*page)
		why   string
	}{
		"another nonce":     {claim("nonce", "of another"), "its nonce is not the one that was sent"},
		"no nonce":          {claim("nonce", nil), "its nonce is not the one that was sent"},
		"another issuer":    {claim("iss", "https://sso.example"), "issued by a different provider"},
		"another audience":  {claim("aud", "other"), "expected audience"},
		"several audiences": {claim("aud", []string{"other", "domctl"}), `the token was given to \"\"`},
		"another party": {func(p *page) {
			p.token = func(_, c map[string]any) { c["aud"] = []string{"other", "domctl"}; c["azp"] = "other" }
		}, `the token was given to \"other\"`},
		"expired":                {claim("exp", time.Now().Add(-2*time.Minute).Unix()), "expired"},
		"not yet":                {claim("nbf", hour.Unix()), "before the nbf"},
		"alg none":               {head("alg", "none"), "why="},
		"signed with the secret": {head("alg", "HS256"), "why="},
		"an unknown key":         {head("kid", "two"), "failed to verify"},
		"a forged signature":     {head("forged", true), "failed to verify"},
		"another access token":   {claim("at_hash", "AAAAAAAAAAAAAAAAAAAAAA"), "access token hash does not match"},
		"nobody":                 {claim("email", ""), `has no claim \"email\"`},
		"not a text":             {claim("email", 17), `has no claim \"email\"`},
		"not verified":           {claim("email_verified", false), "has not verified"},
		"verified in words":      {claim("email_verified", "true"), "has not verified"},
		"another state":          {back("state", strings.Repeat("s", 43)), "its state is not the one that was sent"},
		"no state":               {func(p *page) { p.answer = func(q url.Values) { q.Del("state") } }, "its state is not the one that was sent"},
		"another provider":       {back("iss", "https://sso.example"), `of another provider, \"https://sso.example\"`},
		"no code":                {back("code", ""), "has no code"},
		"another code":           {back("code", "code-17"), `does not take the code: \"invalid_grant\", status 400`},
		"refused":                {back("error", "access_denied\n\x1b[31m"), "refuses: \\\"access_denied"},
		"a slow person":          {func(p *page) { p.answer = func(url.Values) { p.now = p.now.Add(11 * time.Minute) } }, "longer than ten minutes"},
		"no token":               {instead("/token", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"access_token":"a"}`)) }), "why="},
		"endless":                {instead("/token", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(bytes.Repeat([]byte("{"), 2<<20)) }), "why="},
		"sent elsewhere": {instead("/token", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		}), "status 307"},
		"no keys": {instead("/keys", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }), "failed to verify"},
	} {
		t.Run(what, func(t *testing.T) {
			p := newPage(t, nil)
			c.spoil(p)
			b := p.browser(t)
			res := ask(t, b, pageURL+signIn+"?to=/rights")
			text := body(t, res)
			if res.StatusCode != http.StatusForbidden || !strings.Contains(text, "The sign-in failed") || !strings.Contains(p.log.String(), c.why) {
				t.Errorf("%d %s\n%s", res.StatusCode, text, p.log.String())
			}
			if strings.Contains(p.log.String(), clientSecret) || strings.Contains(p.log.String(), "\x1b") {
				t.Errorf("the log holds what it must not: %s", p.log.String())
			}
			if res := ask(t, b, pageURL+"/rights"); res.StatusCode != http.StatusUnauthorized {
				t.Errorf("signed in: %s", res.Status)
			}
			if p.asked["/elsewhere"] > 0 {
				t.Error("it went elsewhere with the code")
			}
		})
	}
}

// stopAt lets a browser go to the provider, and answers what it would come back with.
func stopAt(t *testing.T, b *http.Client, path string) *url.URL {
	t.Helper()
	stopped := *b
	stopped.CheckRedirect = func(r *http.Request, _ []*http.Request) error {
		if r.URL.Path == path {
			return http.ErrUseLastResponse
		}
		return nil
	}
	at, err := ask(t, &stopped, pageURL+signIn).Location()
	if err != nil {
		t.Fatal(err)
	}
	return at
}

// TestReplayedSignIn: an answer counts once, and in the browser alone that asked for it.
func TestReplayedSignIn(t *testing.T) {
	p := newPage(t, nil)
	ann, eve := p.browser(t), p.browser(t)
	answer := stopAt(t, ann, signedIn)
	// Somebody else's browser is not signed in as her, nor she as somebody else.
	if res := ask(t, eve, answer.String()); res.StatusCode != http.StatusForbidden {
		t.Error(res.Status)
	}
	hers := stopAt(t, eve, signedIn)
	mixed := *answer
	q := answer.Query()
	q.Set("code", hers.Query().Get("code"))
	mixed.RawQuery = q.Encode()
	flow := cookies(ann)
	if res := ask(t, ann, mixed.String()); res.StatusCode != http.StatusForbidden || !strings.Contains(p.log.String(), "invalid_grant") {
		t.Error(res.Status)
	}
	// Used up, though the browser has kept the cookie.
	ann.Jar.SetCookies(answer, flow)
	if res := ask(t, ann, answer.String()); res.StatusCode != http.StatusForbidden || !strings.Contains(p.log.String(), "came before") {
		t.Error(res.Status)
	}
	answer = stopAt(t, ann, signedIn)
	flow = cookies(ann)
	if res := ask(t, ann, answer.String()); res.StatusCode != http.StatusNotFound || res.Request.URL.Path != "/" {
		t.Error(res.Status)
	}
	ann.Jar.SetCookies(answer, flow)
	if res := ask(t, ann, answer.String()); res.StatusCode != http.StatusForbidden {
		t.Error(res.Status)
	}
}

func cookies(b *http.Client) []*http.Cookie {
	at, _ := url.Parse(pageURL)
	cs := b.Jar.Cookies(at)
	for _, c := range cs {
		c.Secure, c.Path = true, "/"
	}
	return cs
}

// TestProviderChanges: keys are rotated, clocks are a little apart, and the provider is
// away at times: who is signed in stays so.
func TestProviderChanges(t *testing.T) {
	p := newPage(t, nil)
	p.before = func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(http.StatusBadGateway); return true }
	ann, ben := p.browser(t), p.browser(t)
	if res := ask(t, ann, pageURL+signIn); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(body(t, res), "does not answer") {
		t.Error(res.Status)
	}
	p.before = nil
	in := func(b *http.Client) bool { return ask(t, b, pageURL+signIn+"?to=/rights").StatusCode == http.StatusOK }
	if !in(ann) {
		t.Fatal(p.log.String())
	}
	// It is asked anew who it is once a sign-in failed, and not before.
	if in(p.browser(t)); p.asked["/.well-known/openid-configuration"] != 2 {
		t.Error(p.asked)
	}
	p.answer = func(q url.Values) { q.Set("code", "none") }
	in(p.browser(t))
	p.answer = nil
	if in(p.browser(t)); p.asked["/.well-known/openid-configuration"] != 3 {
		t.Error(p.asked)
	}
	p.rotate("three")
	if !in(ben) {
		t.Error(p.log.String())
	}
	p.token = func(_, c map[string]any) { c["email_verified"] = true; c["exp"] = p.now.Add(-30 * time.Second).Unix() }
	if !in(p.browser(t)) {
		t.Error(p.log.String())
	}
	p.Close()
	if res := ask(t, ann, pageURL+"/rights"); res.StatusCode != http.StatusOK {
		t.Error(res.Status)
	}
}

// TestWhoTheProviderIs: it is the one that is configured, and nothing is sent to it in the
// clear.
func TestWhoTheProviderIs(t *testing.T) {
	p := newPage(t, func(a *Access) { a.OIDC.Issuer = strings.Replace(a.OIDC.Issuer, "127.0.0.1", "localhost", 1) })
	if res := ask(t, p.browser(t), pageURL+signIn); res.StatusCode != http.StatusServiceUnavailable || !strings.Contains(p.log.String(), "did not match the issuer") {
		t.Errorf("%s\n%s", res.Status, p.log.String())
	}
	if _, err := client().Get("http://sso.acme.example/keys"); err == nil || !strings.Contains(err.Error(), "sso.acme.example is not asked in the clear") {
		t.Error(err)
	}
	p.before = func(w http.ResponseWriter, _ *http.Request) bool { _, _ = w.Write(make([]byte, 2<<20)); return true }
	res, err := client().Get(p.URL)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(body(t, res)); n != mostAnswer {
		t.Errorf("%d bytes are read", n)
	}
}

// TestClaims: a group is one that a role names, however the provider lists them.
func TestClaims(t *testing.T) {
	for _, c := range []struct {
		groups any
		want   string
	}{
		{"ops", "look act"}, {[]string{"dev"}, "look"}, {[]any{"ops", 17, nil}, "look act"}, {map[string]any{"ops": true}, ""}, {nil, ""}, {[]string{"OPS", "ops "}, ""}, {17, ""},
	} {
		p := newPage(t, nil)
		p.token = func(_, claims map[string]any) { claims["email_verified"] = true; claims["groups"] = c.groups }
		res := ask(t, p.browser(t), pageURL+signIn+"?to=/rights")
		if got := body(t, res); got != strings.Join(strings.Fields("ann@acme.example prod "+c.want+" quiet"), " ") {
			t.Errorf("%v: %q", c.groups, got)
		}
	}
}
