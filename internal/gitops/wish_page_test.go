package gitops_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/sim"
)

// clicks is what somebody asks for on the page, and then a turn of a controller that
// has no forge.
func (r rig) clicks(c gitops.Click, kill *sim.Kill) error {
	d := r.desk(kill)
	if err := d.TakeBack(r.t.Context(), c); err != nil {
		return err
	}
	_, err := d.Turn(r.t.Context())
	return err
}

func (r rig) wish() gitops.Wish {
	r.t.Helper()
	w, _, err := gitops.ReadWish(r.t.Context(), r.machine.Store)
	if err != nil {
		r.t.Fatal(err)
	}
	return w
}

// backs are the applies that took something back.
func (r rig) backs() (all []applier.Summary) {
	r.t.Helper()
	a := asking{rig: r}
	for _, id := range a.ids() {
		if s := a.summary(id); s.Plan != nil && s.Plan.Restores != "" {
			all = append(all, s)
		}
	}
	return all
}

// twice has two commits applied, and answers the id of the latter's apply.
func twice(t *testing.T) (r rig, last string) {
	r = newRig(t)
	r.commit("modern-before")
	r.turn()
	r.commit("modern")
	return r, r.turn().Head.Plan
}

// TestTakeBackOnThePage takes back the apply that was named, once, whenever a process
// dies, and says who asked.
func TestTakeBackOnThePage(t *testing.T) {
	base, last := twice(t)
	one := gitops.Click{ID: "click-1", Apply: last, User: "ada"}
	whole, kill := base.copy(), sim.KillAfter(-1)
	if err := whole.clicks(one, kill); err != nil {
		t.Fatal(err)
	}
	sides := len(kill.Sides())
	t.Logf("%d sides of calls", sides)
	for k := 0; k < sides; k++ {
		r := base.copy()
		if err := r.clicks(one, sim.KillAfter(k)); err == nil {
			t.Fatalf("killed after %d: it came to its end", k)
		}
		if err := r.clicks(one, sim.KillAfter(-1)); err != nil { // as does who loads the answer again
			t.Fatalf("killed after %d: %v", k, err)
		}
		for range 3 {
			_ = r.machine.Clock.Sleep(t.Context(), 2*time.Minute)
			r.turn()
		}
		backs, w := r.backs(), r.wish()
		if len(backs) != 1 || backs[0].Plan.Restores != last || backs[0].Outcome != applier.EndedOutcome {
			t.Fatalf("killed after %d: %+v", k, backs)
		}
		if want := fmt.Sprintf("Apply %s was taken back by %s, as ada asked.", last, backs[0].ID); !w.Done || !strings.HasPrefix(w.Said, want) {
			t.Fatalf("killed after %d: %+v", k, w)
		}
		audit, err := gitops.Audit(t.Context(), r.machine.Store)
		if err != nil || len(audit) != 1 || audit[0].Who != "ada" || audit[0].Apply != backs[0].ID || audit[0].Did != "ask on the page" || audit[0].Why != w.Said {
			t.Fatalf("killed after %d: %+v %v", k, audit, err)
		}
		if testing.Short() {
			k += 11
		} else {
			k += 3
		}
	}
}

// TestClicksRace: many clicks of one form, on several replicas, are one; of others the
// first has the word.
func TestClicksRace(t *testing.T) {
	base, last := twice(t)
	r := base.copy()
	var wait sync.WaitGroup
	failed := make([]error, 16)
	for i := range failed {
		d := r.desk(sim.KillAfter(-1))
		wait.Go(func() {
			failed[i] = d.TakeBack(t.Context(), gitops.Click{ID: fmt.Sprint("click-", i%2), Apply: last, User: fmt.Sprint("user-", i%2)})
		})
	}
	wait.Wait()
	first := r.wish()
	for i, err := range failed {
		var busy *gitops.Busy
		mine := fmt.Sprint("click-", i%2) == first.Click
		if mine && err != nil || !mine && !errors.As(err, &busy) {
			t.Errorf("%d: %v, while %s is first", i, err, first.Click)
		}
	}
	r.turn()
	again := gitops.Click{ID: first.Click, Apply: last, User: first.User}
	if err := r.clicks(again, sim.KillAfter(-1)); err != nil || len(r.backs()) != 1 {
		t.Errorf("%v, %d", err, len(r.backs()))
	}
	// Another wish, which ends too: the first click is still one of the past.
	if err := r.clicks(gitops.Click{ID: "later", Apply: last, User: "grace"}, sim.KillAfter(-1)); err != nil {
		t.Fatal(err)
	}
	if w := r.wish(); !w.Done || len(r.backs()) != 1 || w.Said == "" {
		t.Errorf("%+v", w)
	}
	if err := r.clicks(again, sim.KillAfter(-1)); err != nil || r.wish().Click != "later" {
		t.Errorf("%v: %+v", err, r.wish())
	}
}

// TestClickBesideAComment: one waits for the other, whoever is first.
func TestClickBesideAComment(t *testing.T) {
	a, second := done(t)
	a.town.say(7, "bob", "domctl rollback")
	if err := a.desk(sim.KillAfter(-1)).TakeBack(t.Context(), gitops.Click{ID: "c", Apply: a.summaryOf(second), User: "ada"}); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		_ = a.machine.Clock.Sleep(t.Context(), time.Minute)
		a.looks()
	}
	if n := len(a.backs()); n != 1 || !strings.Contains(a.last(7), "DC423") {
		t.Errorf("%d: %q", n, a.last(7))
	}
}

// summaryOf is the apply of a commit.
func (a asking) summaryOf(commit string) string {
	for _, id := range a.ids() {
		if s := a.summary(id); s.Plan != nil && s.Plan.Source.Commit == commit {
			return id
		}
	}
	return ""
}

// TestClicksThatAreNotDone are told why.
func TestClicksThatAreNotDone(t *testing.T) {
	base, last := twice(t)
	for name, c := range map[string]struct {
		click gitops.Click
		do    func(r rig, d *gitops.Desk)
		want  string
	}{
		"a rule asks for people of the forge": {gitops.Click{ID: "1", Apply: last, User: "bob"}, func(_ rig, d *gitops.Desk) { d.Bound.Rules = []config.Rule{anyRule} }, "falls under rule all, which asks for people of the forge"},
		"no controller was there": {gitops.Click{ID: "1", Apply: last, User: "bob"}, func(r rig, _ *gitops.Desk) { _ = r.machine.Clock.Sleep(t.Context(), 2*time.Hour) },
			"could not be begun within 60 minutes"},
		"there is no such apply": {gitops.Click{ID: "1", Apply: "20260301-100000-nowhere", User: "bob"}, func(rig, *gitops.Desk) {}, "Nothing was done: "},
	} {
		r := base.copy()
		d := r.desk(sim.KillAfter(-1))
		if err := d.TakeBack(t.Context(), c.click); err != nil {
			t.Fatal(err)
		}
		c.do(r, d)
		if _, err := d.Turn(t.Context()); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if w := r.wish(); !w.Done || !strings.Contains(w.Said, c.want) || strings.Contains(w.Said, "`") || len(r.backs()) != 0 {
			t.Errorf("%s: %+v", name, w)
		}
	}
	if err := base.desk(sim.KillAfter(-1)).TakeBack(t.Context(), gitops.Click{ID: "1", Apply: last}); err == nil {
		t.Error("nobody asked, and it was taken")
	}
}

// TestClickWhileFrozen: a freeze keeps rollbacks of the page as little as others.
func TestClickWhileFrozen(t *testing.T) {
	r, last := twice(t)
	put(t, r.machine.Store, "freeze", fmt.Sprintf(`{"until":%q,"why":"the quarter closes","who":"grace","nonce":"n"}`, r.machine.Clock.Now().Add(time.Hour).Format(time.RFC3339)))
	if err := r.clicks(gitops.Click{ID: "1", Apply: last, User: "ada"}, sim.KillAfter(-1)); err != nil || len(r.backs()) != 1 {
		t.Errorf("%v: %+v", err, r.wish())
	}
}
