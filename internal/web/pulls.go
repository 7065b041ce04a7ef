package web

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"

	"domctl.dev/applier"
	"domctl.dev/internal/gitops"
)

// mostPulls is how many pull requests of a deployment are shown, the newest.
const mostPulls = 50

// newestPulls are the pull requests that there are records of, the newest first.
func newestPulls(ctx context.Context, store applier.Store) ([]int, error) {
	all, err := gitops.PullNumbers(ctx, store)
	if err != nil {
		return nil, fmt.Errorf("pull requests: %w", err)
	}
	slices.Sort(all)
	slices.Reverse(all)
	return all[:min(len(all), mostPulls)], nil
}

// pullLine is a pull request to be shown.
type pullLine struct {
	Number            int
	Forge, PlanURL    string
	State, Class, Why string
	Commit            place
	Effect            string
	At                time.Time
}

func (r *records) pulls(ctx context.Context, numbers []int) (lines []pullLine) {
	store, err := r.store(ctx)
	if err != nil {
		return nil // the page says why of the records as a whole
	}
	all := make([]pullLine, len(numbers))
	var group errgroup.Group
	group.SetLimit(8)
	for i, n := range numbers {
		group.Go(func() error { all[i] = r.pull(ctx, store, n); return nil })
	}
	_ = group.Wait() // each says what is wrong with it
	for _, l := range all {
		if l.State != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

// pull is empty for one that is over.
func (r *records) pull(ctx context.Context, store applier.Store, n int) pullLine {
	l := pullLine{Number: n, Forge: r.Forge.Pull(n)}
	p, there, err := gitops.ReadPullPlan(ctx, store, n)
	switch {
	case err == nil && (!there || !p.Ended.IsZero()):
		return pullLine{}
	case err != nil:
		l.State, l.Class, l.Why = "cannot be read", "bad", shown(err.Error())
		return l
	case p.Refused:
		l.State, l.Class = "refused", "bad"
	case p.Behind:
		l.State, l.Class = "behind its branch", "warn"
	case p.Recording != "":
		l.State, l.Class = "planned from a recording", "warn"
	case p.Plan != "":
		l.State, l.Class = "planned", "good"
	default:
		l.State, l.Class = "no plan", "calm"
	}
	l.Why, l.Effect, l.At, l.Commit = shown(p.Why), shown(p.Effect), p.At, place{fmt.Sprintf("%.12s", shown(p.Head)), r.Forge.Commit(p.Head)}
	if p.Plan != "" {
		l.PlanURL = pathOf("deployments", r.Name, "pulls", strconv.Itoa(n))
	}
	return l
}

// headPlan shows the plan of the branch that was made last.
func (d *desk) headPlan(w http.ResponseWriter, r *http.Request) {
	d.kept(w, r, gitops.HeadPlan, "Plan of the branch")
}

// pullPlan shows the plan of a pull request.
func (d *desk) pullPlan(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.PathValue("number"))
	if err != nil || n <= 0 {
		d.missing(w, r)
		return
	}
	d.kept(w, r, gitops.PullPlanOf(n), fmt.Sprintf("Plan of pull request %d", n))
}

func (d *desk) kept(w http.ResponseWriter, r *http.Request, where, title string) {
	of, there := d.of(r.Context(), r.PathValue("deployment"))
	if !there {
		d.missing(w, r)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	store, err := of.store(ctx)
	home := pathOf("deployments", of.Name)
	if err == nil {
		p, kept, failed := gitops.ReadPlan(ctx, store, where)
		if err = failed; kept {
			f := d.frame(r, title, "plan")
			f.Crumbs = []place{{"Deployments", "/"}, {shown(of.Name), home}}
			f.Body = planOf(p, of.Forge, of.Dir, from(r))
			d.write(w, http.StatusOK, f)
			return
		}
	}
	if err != nil {
		d.say(w, r, http.StatusBadGateway, message{"Cannot be read", "The plan cannot be read: " + shown(err.Error()), home, shown(of.Name)})
		return
	}
	d.say(w, r, http.StatusNotFound, message{"No plan", "No plan is kept here. That of an apply stands with the apply.", home, shown(of.Name)})
}
