package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"

	"domctl.dev/applier"
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
