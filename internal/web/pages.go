package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
	"domctl.dev/planner"
)

// How old what a page shows may be: of one deployment, and of each in the list of all.
const (
	fresh  = time.Second
	listed = 10 * time.Second
)

// sideBySide is how many deployments are read at once.
const sideBySide = 32

// overview lists deployments, those that need somebody first.
func (d *desk) overview(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	var see []*records
	for _, of := range d.all {
		if d.can(ctx, of.Name, Look) {
			see = append(see, of)
		}
	}
	rows := make([]row, len(see))
	var wait sync.WaitGroup
	slots := make(chan struct{}, sideBySide)
	versions := make([]string, len(see))
	for i, of := range see {
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			s := of.standing(ctx, listed)
			rows[i], versions[i] = rowOf(of.Deployment, s, d.Now()), s.Version
			if rows[i].Last = d.known(of, s.Latest); rows[i].Last == nil && s.Latest != "" && isID(s.Latest) {
				l := of.lines(ctx, []string{s.Latest})
				rows[i].Last = &l[0]
			}
		})
	}
	wait.Wait()
	f := d.frame(r, "Deployments", "overview")
	f.Follow = "/events?version=" + digest(versions...)
	attention := 0
	for _, one := range rows {
		if one.Attention {
			attention++
		}
	}
	slices.SortStableFunc(rows, func(a, b row) int {
		if a.Attention != b.Attention && a.Attention {
			return -1
		}
		if a.Attention != b.Attention {
			return 1
		}
		return strings.Compare(a.Name, b.Name)
	})
	f.Say = fmt.Sprintf("%s, %d of which need a look", planner.Plural(len(rows), "deployment"), attention)
	find := strings.ToLower(strings.TrimSpace(r.URL.Query().Get("find")))
	f.Body = struct {
		Rows           []row
		Attention, All int
		Many           bool
		Find           string
		Counts         []count
	}{matching(rows, find), attention, len(rows), len(rows) > many, shown(find), countsOf(rows)}
	d.write(w, http.StatusOK, f)
}

// many deployments are more than are found by looking.
const many = 12

// matching are the rows whose names hold a text.
func matching(rows []row, text string) (out []row) {
	for _, one := range rows {
		if strings.Contains(strings.ToLower(one.Name), text) {
			out = append(out, one)
		}
	}
	return out
}

// count is how many deployments stand in a state.
type count struct {
	State, Class string
	N            int
}

// countsOf counts rows by state, in their order; those of one state need no count.
func countsOf(rows []row) (out []count) {
	for _, one := range rows {
		i := slices.IndexFunc(out, func(c count) bool { return c.State == one.State })
		if i < 0 {
			i, out = len(out), append(out, count{State: one.State, Class: one.Class})
		}
		out[i].N++
	}
	if len(rows) < 3 {
		return nil
	}
	return out
}

// known is an apply's line where it was read before.
func (d *desk) known(of *records, id string) *line {
	of.mu.Lock()
	defer of.mu.Unlock()
	if b, there := of.briefs[id]; there {
		return &line{brief: b}
	}
	return nil
}

// deploymentView is the page of one.
type deploymentView struct {
	Row        row
	Branch     string
	Dir        string
	Head       gitops.Head
	Stage      string
	PlanURL    string // of the plan that waits
	Open       []line
	Past       []line
	HistoryURL string
	Findings   []finding
	Drift      []drifted
	DriftLeft  int
	Images     []image
	Pulls      []pullLine
	OnForge    bool // its repository is on one
	PastErr    string
	Asked      *asks // what people asked for, and is not done
}

func (d *desk) deployment(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	of, there := d.of(ctx, r.PathValue("deployment"))
	if !there {
		d.missing(w, r)
		return
	}
	s := of.standing(ctx, fresh)
	v := deploymentView{Row: rowOf(of.Deployment, s, d.Now()), Branch: shown(of.Branch), Dir: shown(of.Dir), Head: s.Head, Stage: shown(string(s.Head.Stage)),
		HistoryURL: pathOf("deployments", of.Name, "history"), Images: imagesOf(s.Seen), Findings: foundOf(s.Seen), Drift: driftOf(s.Seen)}
	if s.Head.Plan != "" && s.Head.Stage != gitops.Done && s.Head.Stage != gitops.Applying {
		v.PlanURL = pathOf("deployments", of.Name, "plan")
	}
	v.DriftLeft = v.Row.Drift - len(v.Drift)
	if a, there := of.asks(s.Wish); there && !a.Done {
		v.Asked = &a
	}
	v.Open = of.running(ctx, s.Open)
	v.OnForge = of.Forge.base() != ""
	v.Pulls = of.pulls(ctx, s.Pulls)
	past, _, _, _, err := of.page(ctx, "")
	if err != nil {
		v.PastErr = shown(err.Error())
	}
	v.Past = past[:min(len(past), 8)]
	f := d.frame(r, v.Row.Name, "deployment")
	f.Crumbs = []place{{"Deployments", "/"}}
	f.Follow = follow(of.Name, "", s.Version)
	f.Say = v.Row.Name + ": " + v.Row.State
	f.Body = v
	d.write(w, http.StatusOK, f)
}

func follow(deployment, apply, version string) string {
	q := url.Values{"deployment": {deployment}, "version": {version}}
	if apply != "" {
		q.Set("apply", apply)
	}
	return "/events?" + q.Encode()
}

func (d *desk) history(w http.ResponseWriter, r *http.Request) {
	of, there := d.of(r.Context(), r.PathValue("deployment"))
	if !there {
		d.missing(w, r)
		return
	}
	before := r.URL.Query().Get("before")
	if before != "" && !isID(before) {
		d.missing(w, r)
		return
	}
	lines, older, newer, more, err := of.page(r.Context(), before)
	v := struct {
		Name, URL    string
		Lines        []line
		Older, Newer string
		Latest, Past bool
		Err          string
	}{shown(of.Name), pathOf("deployments", of.Name), lines, older, newer, more && newer == "", before != "", ""}
	if err != nil {
		v.Err = shown(err.Error())
	}
	f := d.frame(r, "History of "+v.Name, "history")
	f.Crumbs = []place{{"Deployments", "/"}, {v.Name, v.URL}}
	f.Body = v
	d.write(w, http.StatusOK, f)
}

// recorded finds the apply that an address names, or says why it is not shown.
func (d *desk) recorded(w http.ResponseWriter, r *http.Request) (of *records, s applier.Summary, ok bool) {
	of, there := d.of(r.Context(), r.PathValue("deployment"))
	if !there {
		d.missing(w, r)
		return nil, s, false
	}
	s, err := of.summary(r.Context(), r.PathValue("apply"))
	switch {
	case errors.Is(err, errNone):
		d.missing(w, r)
	case err != nil:
		d.say(w, r, http.StatusBadGateway, message{"Cannot be read", "The records of this apply cannot be read: " + shown(err.Error()), pathOf("deployments", of.Name), shown(of.Name)})
	}
	return of, s, err == nil
}

func from(r *http.Request) int {
	n, err := strconv.Atoi(r.URL.Query().Get("from"))
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func (d *desk) apply(w http.ResponseWriter, r *http.Request) {
	of, s, ok := d.recorded(w, r)
	if !ok {
		return
	}
	a := applyOf(s, of.Deployment, from(r))
	v := struct {
		applyView
		Deployment, Home, URL, PlanURL string
		Rollback                       string // where it is asked for; "" is nowhere
		Command                        string
		Open                           bool
		TakenBack                      []place
		Asked                          *asks
	}{applyView: a, Deployment: shown(of.Name), Home: pathOf("deployments", of.Name), URL: pathOf("deployments", of.Name, "applies", s.ID), Open: s.Outcome == "" || s.Outcome == applier.PausedOutcome || s.Outcome == applier.FailedOutcome}
	v.PlanURL = v.URL + "/plan"
	for _, id := range of.takenBack(r.Context(), s.ID) {
		v.TakenBack = append(v.TakenBack, place{id, pathOf("deployments", of.Name, "applies", id)})
	}
	f := d.frame(r, "Apply "+s.ID, "apply")
	if len(a.Back) > 0 && a.Restores == "" {
		v.Command = "domctl rollback --to " + s.ID
		if d.takes(r, of, s) && len(v.TakenBack) == 0 {
			v.Rollback = v.URL + "/rollback"
		}
	}
	is := of.standing(r.Context(), fresh)
	if v.Asked = of.asked(is.Wish, s.ID); v.Asked != nil && !v.Asked.Done {
		v.Rollback = ""
	}
	f.Crumbs = []place{{"Deployments", "/"}, {v.Deployment, pathOf("deployments", of.Name)}}
	f.Say = a.words()
	if v.Asked != nil {
		f.Say = cmp.Or(v.Asked.Said, "it is to be taken back")
	}
	if v.Open || v.Rollback != "" || v.Asked != nil && !v.Asked.Done {
		f.Follow = follow(of.Name, s.ID, applyVersion(s, is))
	}
	f.Body = v
	d.write(w, http.StatusOK, f)
}

// words say how far an apply has come.
func (v applyView) words() string {
	text := fmt.Sprintf("%d of %s done", v.Done, planner.Plural(v.All, "step"))
	if v.Outcome != "" {
		text += ", " + v.Outcome
	}
	return text
}

func (d *desk) applyPlan(w http.ResponseWriter, r *http.Request) {
	of, s, ok := d.recorded(w, r)
	if !ok {
		return
	}
	if s.Plan == nil {
		d.missing(w, r)
		return
	}
	f := d.frame(r, "Plan "+s.ID, "plan")
	f.Crumbs = []place{{"Deployments", "/"}, {shown(of.Name), pathOf("deployments", of.Name)}, {"Apply " + s.ID, pathOf("deployments", of.Name, "applies", s.ID)}}
	f.Body = planOf(*s.Plan, of.Forge, of.Dir, from(r))
	d.write(w, http.StatusOK, f)
}
