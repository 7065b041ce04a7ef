package web

import (
	"context"
	"crypto/rand"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
)

// taking is a site of a rig with a deployment whose desk takes wishes, as ada sees it.
func taking(r *rig) *Site {
	s := r.site()
	d := gitops.Desk{Name: "sim-modern", Records: stored(r.machine.Store), Now: time.Now, Random: rand.Text}
	s.Token = func(*http.Request) string { return "token-of-the-session" }
	s.Who = func(context.Context) string { return "ada" }
	s.Random = rand.Text
	s.Rollback = func(ctx context.Context, _ string, c gitops.Click) error { return d.TakeBack(ctx, c) }
	return s
}

func posts(t *testing.T, h http.Handler, target, click string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader(url.Values{"click": {click}}.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

func (r *rig) wish() gitops.Wish {
	r.t.Helper()
	w, _, err := gitops.ReadWish(r.t.Context(), r.machine.Store)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

var clickField = regexp.MustCompile(`name="click" value="([^"]+)"`)

// TestRollbackOnThePage: what would be done is shown before the one button, which leaves
// one wish however often it is pressed; what becomes of it is told where it was asked.
func TestRollbackOnThePage(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	h := taking(r).Handler()
	target := "/deployments/sim-modern/applies/" + res.ID
	get(t, h, target).wants(t, `href="`+target+`/rollback"`, `data-follow=`)
	form := get(t, h, target+"/rollback")
	form.wants(t, `value="token-of-the-session"`, `action="`+target+`/rollback"`, "settings.maximumExecutionsPerUser", "nodePools.shared", res.ID, "as ada")
	click := clickField.FindStringSubmatch(form.body)
	if click == nil {
		t.Fatal(form.body)
	}
	if again := get(t, h, target+"/rollback"); strings.Contains(again.body, click[1]) {
		t.Error("two forms are one")
	}
	for range 2 {
		if w := posts(t, h, target+"/rollback", click[1]); w.Code != http.StatusSeeOther || w.Header().Get("Location") != target {
			t.Fatal(w.Code, w.Body)
		}
	}
	w := r.wish()
	if w.User != "ada" || w.Target != res.ID || w.Verb != gitops.RollbackVerb || w.Click != click[1] {
		t.Errorf("%+v", w)
	}
	waits := get(t, h, target)
	waits.wants(t, "to be taken back", "ada", "waits", `data-follow=`)
	if strings.Contains(waits.body, `href="`+target+`/rollback"`) {
		t.Error("it can be asked for twice")
	}
	get(t, h, "/deployments/sim-modern").wants(t, "ada asked", "rollback")
	if w := posts(t, h, target+"/rollback", "another"); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), "ada asked for a rollback") {
		t.Error(w.Code, w.Body)
	}
	get(t, h, target+"/rollback").wants(t, "is under way")

	w.Plan, w.Nonce = "20260301-110000-k3v9w2m4q7x1", "2"
	r.put("gitops/wish", w)
	time.Sleep(fresh) // what was read is as good as new for so long
	get(t, h, target).wants(t, "being taken back", "/applies/"+w.Plan+`"`)
	w.Done, w.Said, w.Nonce = true, "Apply X was taken back <b>", "3"
	r.put("gitops/wish", w)
	time.Sleep(fresh)
	get(t, h, target).wants(t, "Apply X was taken back &lt;b&gt;")
}

// TestRollbackIsWhosMay: the link, the form and what it posts to are there for them alone.
func TestRollbackIsWhosMay(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	target := "/deployments/sim-modern/applies/" + res.ID
	for name, change := range map[string]func(*Site){
		"who may not":        func(s *Site) { s.Can = func(_ context.Context, _ string, right Right) bool { return right == Look } },
		"who is not known":   func(s *Site) { s.Who = func(context.Context) string { return "" } },
		"nobody does it":     func(s *Site) { s.Rollback = nil },
		"there is no token":  func(s *Site) { s.Token = nil },
		"no form is another": func(s *Site) { s.Random = nil },
	} {
		s := taking(r)
		change(s)
		h := s.Handler()
		page := get(t, h, target)
		page.wants(t, "domctl rollback --to "+res.ID)
		if strings.Contains(page.body, target+"/rollback") {
			t.Errorf("%s: the link is there", name)
		}
		if form := get(t, h, target+"/rollback"); form.status < 400 || strings.Contains(form.body, "<form") && name != "there is no token" && strings.Contains(form.body, `name="click"`) {
			t.Errorf("%s: %d", name, form.status)
		}
		if w := posts(t, h, target+"/rollback", "click"); w.Code < 400 || r.wish().Verb != "" {
			t.Errorf("%s: %d %+v", name, w.Code, r.wish())
		}
	}
	h := taking(r).Handler()
	for _, click := range []string{"", "../applied", strings.Repeat("a", 200)} {
		if w := posts(t, h, target+"/rollback", click); w.Code < 400 || r.wish().Verb != "" {
			t.Errorf("%q: %d", click, w.Code)
		}
	}
}

// TestNobodyActsWithoutSigningIn: on this machine alone everybody may look.
func TestNobodyActsWithoutSigningIn(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	s := taking(r)
	g, err := NewGuard(Access{Now: time.Now, Random: rand.Reader})
	if err != nil {
		t.Fatal(err)
	}
	s.Who, s.Can, s.Token = g.Who, g.Can, g.Token
	h := g.Handler(s.Handler())
	ask := func(method, path string) int {
		q := httptest.NewRequestWithContext(t.Context(), method, "http://localhost"+path, strings.NewReader("click=c"))
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, q)
		return w.Code
	}
	target := "/deployments/sim-modern/applies/" + res.ID
	if got := ask("GET", target); got != 200 {
		t.Error(got)
	}
	if got, form := ask("POST", target+"/rollback"), ask("GET", target+"/rollback"); got != 403 || form != 403 || r.wish().Verb != "" {
		t.Error(got, form)
	}
}

// TestTheStreamOfAnApplyTellsOfWishes, though the apply has ended.
func TestTheStreamOfAnApplyTellsOfWishes(t *testing.T) {
	r := newRig(t)
	res := r.apply()
	d := taking(r).desk()
	before, _ := d.version(t.Context(), "sim-modern", res.ID)
	r.put("gitops/wish", gitops.Wish{Verb: gitops.RollbackVerb, User: "ada", Target: res.ID, Click: "c", Nonce: "1"})
	d.named["sim-modern"].standing(t.Context(), 0)
	if after, may := d.version(t.Context(), "sim-modern", res.ID); !may || after == before {
		t.Errorf("%s is still %s", before, after)
	}
	if s, err := d.named["sim-modern"].summary(t.Context(), res.ID); err != nil || s.Outcome != applier.EndedOutcome {
		t.Error(err)
	}
}

// TestAddressesOfPlans are those that comments of the forge link to.
func TestAddressesOfPlans(t *testing.T) {
	r := newRig(t)
	for _, where := range []string{gitops.HeadPlan, gitops.PullPlanOf(12)} {
		if err := gitops.KeepPlan(t.Context(), r.machine.Store, where, r.plan()); err != nil {
			t.Fatal(err)
		}
	}
	h := r.site().Handler()
	for _, below := range []string{"", "/plan", "/pulls/12"} {
		target := strings.TrimPrefix(Address("https://domctl.acme.example/", "sim-modern")+below, "https://domctl.acme.example")
		if page := get(t, h, target); page.status != http.StatusOK {
			t.Errorf("%s: %d", target, page.status)
		}
	}
}
