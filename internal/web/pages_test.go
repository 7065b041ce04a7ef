package web

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
)

// TestPages show what the records hold, whoever wrote them.
func TestPages(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	r.head(gitops.Head{Commit: commit, Stage: gitops.Done, Plan: res.ID, Why: "applied"})
	h := r.site().Handler()
	one := "/deployments/sim-modern"
	for target, says := range map[string][]string{
		"/":                                  {"<h1>Deployments</h1>", ">sim-modern</a>", "up to date", "never applied", "https://git.acme.example/acme/domino/commit/" + commit},
		one:                                  {"<h1>sim-modern</h1>", "ada@laptop", res.ID, "The whole history"},
		one + "/history":                     {res.ID, "ended"},
		one + "/applies/" + res.ID:           {"What its rollback would do", "domctl rollback --to " + res.ID, "done"},
		one + "/applies/" + res.ID + "/plan": {"https://git.acme.example/acme/domino/src/commit/" + commit + "/prod/compute.cue#L", "<details", "hardwareTiers."},
		"/deployments/staging":               {"Nothing was applied yet"},
	} {
		page := get(t, h, target)
		if page.status != http.StatusOK {
			t.Errorf("%s: %d", target, page.status)
		}
		page.wants(t, says...)
		if strings.Contains(page.body, "canary") {
			t.Errorf("%s holds a secret", target)
		}
		if strings.Contains(page.body, "<no value>") || strings.Contains(page.body, "ZgotmplZ") {
			t.Errorf("%s: a template lacks something", target)
		}
	}
	for _, target := range []string{"/nothing", "/deployments/other", one + "/applies/20200101-000000-none", one + "/applies/..%2Fapplied", one + "/history?before=%2F", "/static/..%2Fdesk.go", "/static/none"} {
		if page := get(t, h, target); page.status != http.StatusNotFound {
			t.Errorf("%s: %d", target, page.status)
		}
	}
}

// TestWhatMayNotBeSeenIsNotThere, on the list of all, at any address, and on streams.
func TestWhatMayNotBeSeenIsNotThere(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	s := r.site()
	s.Can = func(_ context.Context, deployment string, _ Right) bool { return deployment == "staging" }
	h := s.Handler()
	for _, target := range []string{"/", "/deployments/staging"} {
		if page := get(t, h, target); page.status != http.StatusOK || strings.Contains(page.body, "sim-modern") {
			t.Errorf("%s: %d %s", target, page.status, page.body)
		}
	}
	none := get(t, h, "/deployments/nobody")
	for _, target := range []string{"", "/history", "/applies/" + res.ID, "/applies/" + res.ID + "/plan"} {
		if page := get(t, h, "/deployments/sim-modern"+target); page.status != http.StatusNotFound || page.body != none.body {
			t.Errorf("%s: %d", target, page.status)
		}
	}
	if page := get(t, h, "/events?deployment=sim-modern"); page.status != http.StatusNotFound {
		t.Errorf("stream: %d", page.status)
	}
}

// broken is a store that cannot be read.
type broken struct{ applier.Store }

func (broken) Get(context.Context, string) ([]byte, string, error) {
	return nil, "", errors.New("it is on \u202efire\x1b[31m")
}

// TestARecordThatCannotBeReadIsToldAsThat, and is never taken for one that is not there.
func TestARecordThatCannotBeReadIsToldAsThat(t *testing.T) {
	r := newRig(t)
	s := r.site()
	s.Deployments[0].Records = stored(broken{r.machine.Store})
	h := s.Handler()
	page := get(t, h, "/")
	page.wants(t, "unknown", `cannot be read:`, `it is on \u202efire\u001b[31m`)
	if strings.ContainsAny(page.body, "\u202e\x1b") {
		t.Error("marks of direction or of a terminal stand on the page")
	}
	get(t, h, "/deployments/sim-modern").wants(t, "could not be read")
}

// TestWhatComesFromOutsideIsText on every page, whatever it holds.
func TestWhatComesFromOutsideIsText(t *testing.T) {
	r, pages := furnished(t)
	s := r.site()
	s.Deployments = append(s.Deployments, hostile(t))
	h := s.Handler()
	local := &Local{Plan: hostilePlan(), Host: "example.com", Token: "t", Cookie: "c", Form: "f", Forge: Forge{Kind: "github", Repository: "acme/domino"}}
	all := map[string]string{"local": opened(t, local)}
	for name, target := range pages {
		all[name] = get(t, h, target).body
	}
	all["hostile"] = get(t, h, pathOf("deployments", evil)).body
	for name, body := range all {
		if i := strings.IndexAny(body, "\u202e\x1b"); i >= 0 {
			t.Errorf("%s holds a mark at %q", name, body[max(i-40, 0):i])
		}
		for _, bad := range []string{"<script>", "javascript:alert(1)\"", "href=\"javascript", "style=", " onclick", "src=\"http"} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %s", name, bad)
			}
		}
	}
	for _, page := range []string{"local", "hostile"} {
		if !strings.Contains(all[page], `a\u202eb\u001b[31m&lt;script&gt;alert(1)`) {
			t.Errorf("%s does not show the name", page)
		}
	}
}

// opened is the page of a plan in the browser that opened it.
func opened(t *testing.T, l *Local) string {
	t.Helper()
	h := l.Handler()
	first := get(t, h, "/?token="+l.Token)
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	r.Header.Set("Cookie", strings.Split(first.header.Get("Set-Cookie"), ";")[0])
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if first.status != http.StatusSeeOther || w.Code != http.StatusOK {
		t.Fatal(first.status, w.Code)
	}
	return w.Body.String()
}

// TestLocalIsOneBrowsers: a second one is refused, and so are other names, sites and
// cookies.
func TestLocalIsOneBrowsers(t *testing.T) {
	var ended bool
	l := &Local{Plan: newRig(t).plan(), Host: "example.com", Token: "t", Cookie: "c", Form: "f"}
	l.end = func() { ended = true }
	h := l.Handler()
	ask := func(method, target, host, cookie, origin string) int {
		t.Helper()
		r := httptest.NewRequestWithContext(t.Context(), method, target, strings.NewReader("csrf=f"))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if r.Host = host; cookie != "" {
			r.Header.Set("Cookie", "domctl-="+cookie)
		}
		if origin != "" {
			r.Header.Set("Origin", origin)
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if cookie == "" && strings.Contains(w.Body.String(), "hardwareTiers") {
			t.Errorf("%s %s shows the plan", method, target)
		}
		return w.Code
	}
	for _, c := range []struct {
		method, target, host, cookie, origin string
		want                                 int
	}{{"GET", "/", "example.com", "", "", 403}, {"GET", "/?token=u", "example.com", "", "", 403}, {"GET", "/?token=t", "evil.example", "", "", 421}, {"GET", "/?token=t", "example.com", "", "", 303},
		{"GET", "/?token=t", "example.com", "", "", 403}, {"GET", "/?token=t", "example.com", "c", "", 303}, {"GET", "/", "example.com", "d", "", 403}, {"GET", "/", "example.com", "c", "", 200},
		{"GET", "/", "EXAMPLE.com:80", "c", "", 421}, {"POST", "/end", "example.com", "c", "http://evil.example", 403}, {"POST", "/end", "example.com", "d", "", 403}, {"GET", "/end", "example.com", "c", "", 404}} {
		if got := ask(c.method, c.target, c.host, c.cookie, c.origin); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
	if ended {
		t.Error("somebody else ended it")
	}
	if got := ask("POST", "/end", "example.com", "c", "http://example.com"); got != 200 || !ended {
		t.Error(got, ended)
	}
}

// TestTakenBack: an apply names what took it back.
func TestTakenBack(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	e := r.engine(nil)
	p, err := e.Rollback(t.Context(), res.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if back, err := e.Apply(t.Context(), p); err != nil || back.Outcome != applier.EndedOutcome {
		t.Fatal(back, err)
	}
	h := r.site().Handler()
	get(t, h, "/deployments/sim-modern/applies/"+res.ID).wants(t, "Taken back", "/applies/"+p.ID+`"`)
	back := get(t, h, "/deployments/sim-modern/applies/"+p.ID)
	back.wants(t, "Takes back", res.ID)
	if strings.Contains(back.body, "domctl rollback") {
		t.Error("a rollback is offered to be taken back")
	}
	get(t, h, "/deployments/sim-modern/applies/"+p.ID+"/plan").wants(t, "Rollback plan")
}
