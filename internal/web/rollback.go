package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
)

// asks is what a page says of a command that the deployment's turns are to do, or did.
type asks struct {
	What, By  string
	At        time.Time
	Target    place // the apply that it is about; "" where none is chosen yet
	Plan      place // the apply that does it, once it is about to begin
	Said      string
	Done, Bad bool
}

func (r *records) asks(w gitops.Wish) (a asks, there bool) {
	if w.Verb == "" {
		return a, false
	}
	at := func(id string) (p place) {
		if p.Text = shown(id); isID(id) {
			p.URL = pathOf("deployments", r.Name, "applies", id)
		}
		return p
	}
	a = asks{What: shown(string(w.Verb)), By: shown(w.User), At: w.At, Target: at(w.Target), Plan: at(w.Plan), Said: shown(w.Said), Done: w.Done}
	if w.Pull > 0 {
		a.By += fmt.Sprintf(" in pull request %d", w.Pull)
	}
	a.Bad = w.Done && w.Plan == ""
	return a, true
}

// of says what was asked for an apply on the page, nothing where that was another one.
func (r *records) asked(w gitops.Wish, apply string) *asks {
	if a, there := r.asks(w); there && w.Target == apply && (!w.Done || w.Click != "") {
		return &a
	}
	return nil
}

// takes says whether who asks may have an apply taken back here.
func (d *desk) takes(r *http.Request, of *records, s applier.Summary) bool {
	return d.Rollback != nil && d.Random != nil && d.Token != nil && d.who(r.Context()) != "" && s.Plan != nil && s.Plan.Restores == "" && d.can(r.Context(), of.Name, Act)
}

// confirm shows what taking an apply back would do, with the one button that does it.
func (d *desk) confirm(w http.ResponseWriter, r *http.Request) {
	of, s, ok := d.recorded(w, r)
	if !ok {
		return
	}
	home := pathOf("deployments", of.Name, "applies", s.ID)
	a := applyOf(s, of.Deployment, 0)
	if !d.takes(r, of, s) || len(a.Back) == 0 {
		d.say(w, r, http.StatusConflict, message{"Not taken back here", "Nothing of this apply is there to take back, or this page takes nothing back.", home, "Back to the apply"})
		return
	}
	f := d.frame(r, "Take back "+s.ID, "rollback")
	f.Crumbs = []place{{"Deployments", "/"}, {shown(of.Name), pathOf("deployments", of.Name)}, {"Apply " + s.ID, home}}
	v := struct {
		applyView
		Deployment, Home, Effect, Click, Who string
		Ended                                bool
		Asked                                *asks // something else that is under way
	}{applyView: a, Deployment: shown(of.Name), Home: home, Effect: shown(s.Plan.Effect), Click: d.Random(), Who: shown(d.who(r.Context())), Ended: s.Outcome == applier.EndedOutcome}
	if is, there := of.asks(of.standing(r.Context(), fresh).Wish); there && !is.Done {
		v.Asked = &is
	}
	f.Body = v
	d.write(w, http.StatusOK, f)
}

// rollback leaves the wish of who asks; the apply's page says what becomes of it.
func (d *desk) rollback(w http.ResponseWriter, r *http.Request) {
	of, s, ok := d.recorded(w, r)
	if !ok {
		return
	}
	home := pathOf("deployments", of.Name, "applies", s.ID)
	click := r.PostFormValue("click")
	if !d.takes(r, of, s) || !isID(click) {
		d.say(w, r, http.StatusForbidden, message{"Not taken back", "This page takes nothing back, or not by this form.", home, "Back to the apply"})
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience) // who closes the window has clicked nevertheless
	defer cancel()
	err := d.Rollback(ctx, of.Name, gitops.Click{ID: click, Apply: s.ID, User: d.who(r.Context())})
	of.stale()
	var busy *gitops.Busy
	switch {
	case errors.As(err, &busy):
		d.say(w, r, http.StatusConflict, message{"Not taken back", "Another command is under way: " + shown(err.Error()) + ".", home, "Back to the apply"})
	case err != nil:
		d.Log.Warn("page: an apply is not taken back", "deployment", of.Name, "apply", s.ID, "why", err)
		d.say(w, r, http.StatusBadGateway, message{"Not taken back yet", "The records cannot be written: " + shown(err.Error()) + ". Go back, and send the form once more: it counts once.", home, "Back to the apply"})
	default:
		d.Log.Info("page: an apply is to be taken back", "deployment", of.Name, "apply", s.ID, "who", d.who(r.Context()))
		http.Redirect(w, r, home, http.StatusSeeOther)
	}
}

// stale has the records read anew by whoever asks next.
func (r *records) stale() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tried = time.Time{}
}
