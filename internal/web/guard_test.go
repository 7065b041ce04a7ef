package web

import (
	"crypto/rand"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"
)

func form(token string) url.Values { return url.Values{"csrf": {token}} }

// openPage is one that nobody signs in to.
func openPage(t *testing.T) (*Guard, http.Handler) {
	t.Helper()
	g := guardOf(t, Access{Now: time.Now, Random: rand.Reader, Log: slog.New(slog.DiscardHandler)})
	return g, g.Handler(rights(g))
}

// TestHosts: the page answers to its own names alone, whatever proxies say.
func TestHosts(t *testing.T) {
	p := newPage(t, func(a *Access) { a.Hosts = []string{"domctl", "::1"} })
	_, here := openPage(t)
	for host, want := range map[string][2]bool{ // with sign-in, without
		"page.example": {true, false}, "page.example:443": {true, false}, "PAGE.example": {true, false}, "domctl:8082": {true, false}, "[::1]:8082": {true, true}, "[::1]": {true, true},
		"localhost": {false, true}, "localhost:8082": {false, true}, "127.0.0.1:8082": {false, true},
		"evil.example": {false, false}, "page.example.evil.example": {false, false}, "localhost.evil.example:8082": {false, false}, "127.0.0.1.evil.example": {false, false},
		"": {false, false}, "page.example.": {false, false}, "[127.0.0.1]:80": {false, true}, "0.0.0.0": {false, false}, "evil.example:page.example": {false, false}, "page.example@evil.example": {false, false},
	} {
		for i, site := range []http.Handler{p.site, here} {
			for _, path := range []string{"/rights", "/static/page.css", signIn} {
				r := request(http.MethodGet, path)
				r.Host = host
				r.Header.Set("X-Forwarded-Host", "page.example")
				r.Header.Set("Forwarded", "host=localhost")
				w := httptest.NewRecorder()
				site.ServeHTTP(w, r)
				if got := w.Code != http.StatusMisdirectedRequest; got != want[i] {
					t.Errorf("%q %s: %d", host, path, w.Code)
				}
				if w.Code == http.StatusMisdirectedRequest && strings.Contains(w.Body.String(), "evil") {
					t.Error("a stranger's name is shown")
				}
			}
		}
	}
}

// TestChanges: what changes something comes from a form of the page and of the session.
func TestChanges(t *testing.T) {
	p := newPage(t, nil)
	ann := p.in(t)
	token := body(t, ask(t, ann, pageURL+"/token"))
	theirs := body(t, ask(t, p.in(t), pageURL+"/token"))
	g, here := openPage(t)
	_, elsewhere := openPage(t)
	ours := func(site http.Handler) string {
		w := httptest.NewRecorder()
		r := request(http.MethodGet, "/token")
		r.Host = "localhost"
		site.ServeHTTP(w, r)
		return w.Body.String()
	}
	if token == theirs || ours(here) == ours(elsewhere) || ours(here) == "" || g.Token(request(http.MethodGet, "/")) != "" {
		t.Error("tokens are not of a session")
	}
	const urlencoded = "application/x-www-form-urlencoded"
	for what, c := range map[string]struct {
		method, kind, body string
		head               map[string]string
		want               int
	}{
		"a form":                     {"POST", urlencoded, "csrf=TOKEN", nil, 200},
		"a form, said to be ours":    {"POST", urlencoded + "; charset=utf-8", "csrf=TOKEN", map[string]string{"Sec-Fetch-Site": "same-origin", "Origin": "ORIGIN"}, 200},
		"an origin that is ours":     {"POST", urlencoded, "csrf=TOKEN", map[string]string{"Origin": "ORIGIN"}, 200},
		"no token":                   {"POST", urlencoded, "a=b", nil, 403},
		"no body":                    {"POST", urlencoded, "", nil, 403},
		"another's token":            {"POST", urlencoded, "csrf=THEIRS", nil, 403},
		"half a token":               {"POST", urlencoded, "csrf=HALF", nil, 403},
		"the token in the address":   {"POST", urlencoded, "ADDRESS", nil, 403},
		"from another site":          {"POST", urlencoded, "csrf=TOKEN", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"from another of the domain": {"POST", urlencoded, "csrf=TOKEN", map[string]string{"Sec-Fetch-Site": "same-site"}, 403},
		"from another origin":        {"POST", urlencoded, "csrf=TOKEN", map[string]string{"Origin": "https://evil.example"}, 403},
		"from nowhere":               {"POST", urlencoded, "csrf=TOKEN", map[string]string{"Origin": "null"}, 403},
		"over another port":          {"POST", urlencoded, "csrf=TOKEN", map[string]string{"Origin": "ORIGIN:81"}, 403},
		"by another method":          {"GET", urlencoded, "csrf=TOKEN", map[string]string{"X-HTTP-Method-Override": "POST"}, 0},
		"JSON":                       {"POST", "application/json", `{"csrf":"TOKEN"}`, nil, 415},
		"text":                       {"POST", "text/plain", "csrf=TOKEN", nil, 415},
		"in parts":                   {"POST", "multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=csrf\r\n\r\nTOKEN\r\n--x--", nil, 415},
		"nothing said":               {"POST", "", "csrf=TOKEN", nil, 415},
		"large":                      {"POST", urlencoded, "a=" + strings.Repeat("a", mostForm) + "&csrf=TOKEN", nil, 400},
		"broken":                     {"POST", urlencoded, "csrf=TOKEN&a=%zz", nil, 400},
		"delete":                     {"DELETE", urlencoded, "csrf=TOKEN", nil, 403},
		"put from another site":      {"PUT", urlencoded, "csrf=TOKEN", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
	} {
		for where, site := range map[string]http.Handler{pageURL: p.site, "http://localhost:8082": here} {
			mine, path := token, "/rights"
			if where != pageURL {
				mine = ours(here)
			}
			if c.body == "ADDRESS" {
				path += "?csrf=" + mine
			}
			text := strings.NewReplacer("TOKEN", mine, "THEIRS", theirs, "HALF", mine[:20], "ADDRESS", "").Replace(c.body)
			r, err := http.NewRequest(c.method, where+path, strings.NewReader(text))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", c.kind)
			for name, value := range c.head {
				r.Header.Set(name, strings.Replace(value, "ORIGIN", where, 1))
			}
			for _, one := range cookies(ann) {
				r.AddCookie(one)
			}
			w := httptest.NewRecorder()
			site.ServeHTTP(w, r)
			changed := strings.Contains(w.Body.String(), "changed")
			if c.want != 0 && w.Code != c.want || changed != (c.want == 200) {
				t.Errorf("%s at %s: %d %s", what, where, w.Code, w.Body)
			}
		}
	}
}

// TestBehindAProxy: one that asks under a name of its own, and says nothing of the
// browser's, is no other site.
func TestBehindAProxy(t *testing.T) {
	p := newPage(t, func(a *Access) { a.Hosts = []string{"domctl"} })
	ann := p.in(t)
	token := body(t, ask(t, ann, pageURL+"/token"))
	for origin, want := range map[string]int{pageURL: 200, "http://page.example": 403, "https://domctl": 403, "https://evil.example": 403} {
		r := httptest.NewRequest(http.MethodPost, "/rights", strings.NewReader(form(token).Encode()))
		r.Host = "domctl:8082"
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Origin", origin)
		for _, one := range cookies(ann) {
			r.AddCookie(one)
		}
		w := httptest.NewRecorder()
		p.site.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d %s", origin, w.Code, w.Body)
		}
	}
}

// TestNobody: who is not signed in is led to sign in where a person looks, and is told no
// more than that.
func TestNobody(t *testing.T) {
	p := newPage(t, nil)
	for _, c := range []struct {
		method, path, accept string
		want                 int
		to                   string
	}{
		{"GET", "/deployments/prod?a=b", "text/html", 303, "/sign-in?to=%2Fdeployments%2Fprod%3Fa%3Db"},
		{"GET", "//evil.example/", "text/html", 307, "/evil.example/"},
		{"GET", "/events", "text/event-stream", 401, ""},
		{"GET", "/", "*/*", 401, ""},
		{"HEAD", "/", "text/html", 303, "/sign-in?to=%2F"},
		{"POST", "/rights", "text/html", 401, ""},
		{"POST", SignOut, "text/html", 401, ""},
		{"POST", signIn, "text/html", 401, ""},
		{"OPTIONS", "/", "text/html", 401, ""},
		{"GET", "/static/page.css", "*/*", 404, ""}, // the site's own answer
		{"POST", "/static/page.css", "*/*", 401, ""},
		{"GET", "/static/../rights", "*/*", 0, ""},
		{"GET", "/static/%2e%2e/rights", "*/*", 0, ""},
	} {
		r := request(c.method, "/")
		r.URL, _ = url.ParseRequestURI(c.path)
		r.Header.Set("Accept", c.accept)
		w := httptest.NewRecorder()
		p.site.ServeHTTP(w, r)
		if to := w.Header().Get("Location"); c.want != 0 && (w.Code != c.want || to != c.to) || strings.Contains(w.Body.String(), "look") {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, to)
		}
	}
}

// TestLocal: a way back leads to this page and nowhere else.
func TestLocal(t *testing.T) {
	for to, want := range map[string]string{
		"/": "/", "/a?b=c&d=/e": "/a?b=c&d=/e", "/a%2fb": "/a%2fb", "/deployments/acme-prod": "/deployments/acme-prod",
		"": "/", "a": "/", "//evil.example": "/", "/\\evil.example": "/", "\\\\evil.example": "/", "https://evil.example": "/", "https:evil.example": "/", "javascript:alert(1)": "/",
		"/\t/evil.example": "/", "/\n/evil.example": "/", " //evil.example": "/", "/a\r\nSet-Cookie: a=b": "/", "///evil.example": "/", "/é": "/", "?a": "/", "#a": "/",
		"/sign-in?to=/": "/", "/signed-in?code=1": "/", "/sign-out": "/", "/%": "/", "/" + strings.Repeat("a", 1024): "/",
	} {
		if got := local(to); got != want {
			t.Errorf("%q: %q", to, got)
		}
	}
}

// FuzzLocal: whatever is asked for, a browser that is led there stays on the page.
func FuzzLocal(f *testing.F) {
	for _, seed := range []string{"/", "//a", "/\\a", "/a/../..//b", "/.//a", "http://a", "/%09/a", "/?//a"} {
		f.Add(seed)
	}
	base, _ := url.Parse(pageURL + "/sign-in")
	f.Fuzz(func(t *testing.T, to string) {
		w := httptest.NewRecorder()
		http.Redirect(w, request(http.MethodGet, signIn), local(to), http.StatusSeeOther)
		at := w.Header().Get("Location")
		// What browsers make of it before they read it: no controls, and no backslash.
		// https://url.spec.whatwg.org/#concept-basic-url-parser
		read := strings.ReplaceAll(strings.Map(func(r rune) rune {
			if r == '\t' || r == '\n' || r == '\r' {
				return -1
			}
			return r
		}, strings.Trim(at, " \x00")), "\\", "/")
		u, err := base.Parse(read)
		if err != nil || u.Host != base.Host || u.Scheme != "https" {
			t.Errorf("%q leads to %q: %v %v", to, at, u, err)
		}
	})
}

// TestSaid is a page that a browser reads as a page, and that holds nothing of a request.
func TestSaid(t *testing.T) {
	p := newPage(t, nil)
	w := httptest.NewRecorder()
	r := request(http.MethodGet, signedIn+"?error=%3Cblink%3E&state=x")
	p.site.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Body)
	if w.Code != 403 || strings.Contains(string(text), "blink") || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
		t.Errorf("%d %s", w.Code, text)
	}
}
