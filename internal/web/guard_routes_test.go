package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/gitops"
)

// people of the table below, in its order: one who is not signed in, one whom no role
// names, and one of each role.
var people = []string{"nobody", "eve", "ben", "ann"}

// TestEveryRoute is what each route answers to whom. One that has no row here fails.
func TestEveryRoute(t *testing.T) {
	r := newRig(t)
	for _, where := range []string{gitops.HeadPlan, gitops.PullPlanOf(12)} {
		if err := gitops.KeepPlan(t.Context(), r.machine.Store, where, r.plan()); err != nil {
			t.Fatal(err)
		}
	}
	res := r.apply()
	s := r.site()
	var back []string
	s.Random, s.Rollback = rand.Text, func(_ context.Context, _ string, c gitops.Click) error {
		back = append(back, c.User)
		return nil
	}
	g := guardSite(t, s)
	table := map[string][4]int{ // nobody, eve, ben, who may look, and ann, who may act
		"GET /{$}":                                                  {401, 200, 200, 200},
		"GET /events":                                               {401, 200, 200, 200},
		"GET /deployments/{deployment}":                             {401, 404, 200, 200},
		"GET /deployments/{deployment}/history":                     {401, 404, 200, 200},
		"GET /deployments/{deployment}/plan":                        {401, 404, 200, 200},
		"GET /deployments/{deployment}/pulls/{number}":              {401, 404, 200, 200},
		"GET /deployments/{deployment}/applies/{apply}":             {401, 404, 200, 200},
		"GET /deployments/{deployment}/applies/{apply}/plan":        {401, 404, 200, 200},
		"GET /deployments/{deployment}/applies/{apply}/rollback":    {401, 404, 403, 200},
		"POST /deployments/{deployment}/applies/{apply}/rollback":   {401, 404, 403, 303},
		"GET /events?deployment={deployment}":                       {401, 404, 200, 200}, // the same route
		"GET /events?deployment={deployment}&apply={apply}":         {401, 404, 200, 200},
		"POST /deployments/{deployment}/applies/{apply}/rollback?a": {401, 404, 403, 303},
	}
	patterns := map[string]bool{}
	for _, one := range s.desk().routes() {
		patterns[one.pattern] = true
		if _, ok := table[one.pattern]; !ok {
			t.Errorf("%s has no row: who may do that?", one.pattern)
		}
		if method, _, ok := strings.Cut(one.pattern, " "); !ok || one.needs != Act && !reads(method) {
			t.Errorf("%s needs %q: what changes something is a POST, and needs the right to act", one.pattern, one.needs)
		}
	}
	for row, want := range table {
		pattern, _, _ := strings.Cut(row, "?")
		if !patterns[pattern] {
			t.Errorf("%s is no route", row)
		}
		own, path, _ := strings.Cut(row, " ")
		path = strings.NewReplacer("{$}", "", "{deployment}", "sim-modern", "{apply}", res.ID, "{number}", "12").Replace(path)
		both := strings.HasSuffix(pattern, "/rollback") // there is a form, and what it posts to
		for i, who := range people {
			for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
				back = nil
				w := g.send(t, who, method, path, true)
				switch fits := method == own || method == "HEAD" && own == "GET"; {
				case fits && w.Code != want[i]:
					t.Errorf("%s %s as %s: %d, not %d", method, path, who, w.Code, want[i])
				case !fits && w.Code < 400 && !both:
					t.Errorf("%s %s as %s: %d", method, path, who, w.Code)
				}
				if done := len(back) > 0; done != (method == "POST" && w.Code == 303) || done && back[0] != "ann" {
					t.Errorf("%s %s as %s: taken back by %q", method, path, who, back)
				}
				if (who == "nobody" || who == "eve") && (strings.Contains(w.Body.String(), "sim-modern") || strings.Contains(w.Body.String(), res.ID)) {
					t.Errorf("%s %s tells %s of it", method, path, who)
				}
			}
			if w := g.send(t, who, own, path, false); own == "POST" && w.Code < 400 {
				t.Errorf("%s as %s without a token: %d", path, who, w.Code)
			}
		}
	}
	// What one may not see answers as what is not there, to the byte, but for the second.
	body := func(w *httptest.ResponseRecorder) string {
		return regexp.MustCompile(`data-now="[^"]*"`).ReplaceAllString(w.Body.String(), "")
	}
	for _, below := range []string{"", "/history", "/plan", "/pulls/12", "/applies/" + res.ID, "/applies/" + res.ID + "/plan"} {
		hidden, none := g.send(t, "eve", "GET", "/deployments/sim-modern"+below, true), g.send(t, "eve", "GET", "/deployments/nothing"+below, true)
		if body(hidden) != body(none) || hidden.Code != none.Code {
			t.Errorf("%s tells that it is there", below)
		}
	}
}

// guarded site with a session of each of the people.
type guardedSite struct {
	guard *Guard
	site  http.Handler
	of    map[string]session
}

func guardSite(t *testing.T, s *Site) *guardedSite {
	t.Helper()
	g := guardOf(t, Access{URL: pageURL, OIDC: &OIDC{}, Now: time.Now, Random: rand.Reader,
		Roles:       Roles{Act: []string{"user:ann", "user:ben", "user:eve"}},
		Deployments: map[string]Roles{"sim-modern": {Look: []string{"user:ben"}, Act: []string{"user:ann"}}, "staging": {}}})
	out := &guardedSite{guard: g, of: map[string]session{}}
	now := time.Now().Unix()
	for _, who := range people[1:] {
		out.of[who] = session{ID: who, User: who, Name: who, Began: now, Seen: now}
	}
	s.Who, s.Can, s.Token, s.SignOut = g.Who, g.Can, g.Token, SignOut
	out.site = g.Handler(s.Handler())
	return out
}

// send asks as one of the people, by a form of their session where it has a token.
func (g *guardedSite) send(t *testing.T, who, method, path string, token bool) *httptest.ResponseRecorder {
	t.Helper()
	k, err := g.guard.keys()
	if err != nil {
		t.Fatal(err)
	}
	body := ""
	if s, ok := g.of[who]; ok && token {
		text, err := k.sign(s.ID)
		if err != nil {
			t.Fatal(err)
		}
		f := form(text)
		f.Set("click", "click-1")
		body = f.Encode()
	}
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // of streams
	if !strings.HasPrefix(path, "/events") {
		ctx = t.Context()
	}
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, method, pageURL+path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if s, ok := g.of[who]; ok {
		text, err := k.seal(sessionCookie, rand.Reader, s)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: sessionCookie, Value: text})
	}
	w := httptest.NewRecorder()
	g.site.ServeHTTP(w, r)
	return w
}

// deadlines is an answer that notes until when it may be written.
type deadlines struct {
	*httptest.ResponseRecorder
	set []bool
}

func (d *deadlines) SetWriteDeadline(t time.Time) error {
	d.set = append(d.set, !t.IsZero())
	return nil
}

// TestStreamWaits without a deadline: one that is not lifted ends a stream of HTTP/2.
func TestStreamWaits(t *testing.T) {
	d := &deadlines{ResponseRecorder: httptest.NewRecorder()}
	if s := (stream{d, http.NewResponseController(d)}); !s.send("a") || !s.send("b") || !slices.Equal(d.set, []bool{true, false, true, false}) {
		t.Error(d.set)
	}
}

// TestStreamOfTheSite ends when its session does, and tells nobody of what they may not
// see.
func TestStreamOfTheSite(t *testing.T) {
	r := newRig(t)
	r.apply()
	g := guardSite(t, r.site())
	server := httptest.NewServer(g.site)
	defer server.Close()
	k, _ := g.guard.keys()
	text, _ := k.seal(sessionCookie, rand.Reader, g.of["ben"])
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/events?deployment=sim-modern", nil)
	req.Host = "page.example"
	req.AddCookie(&http.Cookie{Name: sessionCookie, Value: text})
	res, err := http.DefaultClient.Do(req)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res, err)
	}
	first := make([]byte, 256)
	n, err := res.Body.Read(first)
	if err != nil || !strings.Contains(string(first[:n]), "retry:") {
		t.Fatal(string(first[:n]), err)
	}
	g.guard.over(g.of["ben"])
	body(t, res) // to its end
	if err := t.Context().Err(); err != nil {
		t.Error(err)
	}
}
