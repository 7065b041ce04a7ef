package probe_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/internal/probe"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// outside is what stands: a tier ("", "made", "archived"), a group, and jobs.
type outside struct {
	tier   string
	group  bool
	jobs   []port.Job
	took   map[string]time.Duration
	listed error
}

func (o outside) Find(_ context.Context, q port.Query) ([]port.Document, error) {
	switch {
	case q.Collection == "tiers" && o.tier != "":
		return []port.Document{{"isArchived": map[bool]string{true: "true", false: "false"}[o.tier == "archived"]}}, nil
	case q.Collection == "groups" && o.group:
		return []port.Document{{}}, nil
	}
	return nil, nil
}
func (outside) InsertOne(context.Context, string, port.Document) error { return nil }
func (outside) UpdateOne(context.Context, string, port.Document, port.Document, []string) (bool, error) {
	return true, nil
}
func (outside) DeleteOne(context.Context, string, port.Document) (bool, error) { return true, nil }
func (o outside) ListJobs(context.Context, string, string, time.Time) ([]port.Job, error) {
	return o.jobs, o.listed
}
func (outside) StartJob(context.Context, port.NewJob) (string, error) { return "x", nil }
func (outside) StopJob(context.Context, string, string) error         { return nil }
func (o outside) PullTime(_ context.Context, id string) (time.Duration, bool, error) {
	took, told := o.took[id]
	return took, told, nil
}

// attempt is a probe at its turn, with what was begun; ten seconds are allowed.
func attempt(begun ...string) applier.Attempt {
	a := applier.Attempt{Apply: "a1", Token: applier.Token("a1", "s"), Began: began, Begun: map[string]bool{}, Step: planner.Step{ID: "s", Op: operation.Probe, Args: map[string]schema.Value{
		"tiers": schema.JSON("tiers"), "groups": schema.JSON("groups"), "archived": schema.JSON("isArchived"), "project": schema.JSON("p"), "title": schema.JSON("domctl probe"), "most": schema.JSON(10000)}}}
	for _, mark := range begun {
		a.Begun[mark] = true
	}
	return a
}

func job(id string, ended bool) port.Job {
	return port.Job{ID: id, Title: "domctl probe", Status: "Stopped", Ended: ended, Submitted: began}
}

// TestObserve: what is next follows from what stands.
func TestObserve(t *testing.T) {
	const all = "tier,group,start 1,start 2,drop group,archive tier"
	both := []port.Job{job("b", true), job("a", true)}
	down := errors.New("it cannot be reached")
	for name, c := range map[string]struct {
		begun string
		abort bool
		out   outside
		state applier.State
		says  string // the mark or why
	}{
		"nothing":           {"", false, outside{}, applier.Next, "tier"},
		"a tier":            {"tier", false, outside{tier: "made"}, applier.Next, "group"},
		"both":              {"tier,group", false, outside{tier: "made", group: true}, applier.Next, "start 1"},
		"a lost start":      {"tier,group,start 1", false, outside{tier: "made", group: true}, applier.Next, "start 2"},
		"two lost starts":   {"tier,group,start 1,start 2", false, outside{tier: "made", group: true}, applier.Next, "drop group"},
		"no list":           {"tier,group,start 1", false, outside{tier: "made", group: true, listed: down}, 0, "error"},
		"waits":             {"start 1", false, outside{tier: "made", group: true, jobs: []port.Job{job("a", false)}}, applier.Pending, "waits for its images since 0s"},
		"pulled":            {"start 1", false, outside{tier: "made", group: true, jobs: []port.Job{job("a", false)}, took: map[string]time.Duration{"a": time.Second}}, applier.Next, "stop a images after 1s"},
		"stopped":           {"start 1", false, outside{tier: "made", group: true, jobs: []port.Job{job("a", true)}}, applier.Next, "drop group"},
		"no group any more": {"start 1", false, outside{tier: "made", jobs: []port.Job{job("a", true)}}, applier.Next, "archive tier"},
		"in time":           {all, false, outside{tier: "archived", jobs: []port.Job{job("a", true)}, took: map[string]time.Duration{"a": 10 * time.Second}}, applier.Finished, "10000"},
		"too long":          {all, false, outside{tier: "archived", jobs: []port.Job{job("a", true)}, took: map[string]time.Duration{"a": 11 * time.Second}}, applier.Failed, "DC392"},
		"a warm second":     {all, false, outside{tier: "archived", jobs: both, took: map[string]time.Duration{"a": 90 * time.Second, "b": time.Second}}, applier.Failed, "waited 1m30s"},
		"two in time":       {all, false, outside{tier: "archived", jobs: both, took: map[string]time.Duration{"a": 9 * time.Second, "b": time.Second}}, applier.Finished, "9000"},
		"no figure":         {all, false, outside{tier: "archived", jobs: []port.Job{job("a", true)}}, applier.Failed, "DC393: run"},
		"no run":            {all, false, outside{tier: "archived"}, applier.Failed, "DC393: Domino started no run"},

		"another's before all":   {"", false, outside{jobs: both, took: map[string]time.Duration{"a": time.Second}}, applier.Next, "tier"},
		"another's before start": {"tier,group", false, outside{tier: "made", group: true, jobs: both, took: map[string]time.Duration{"a": time.Second}}, applier.Next, "start 1"},
		"another's that runs":    {"tier,group", false, outside{tier: "made", group: true, jobs: []port.Job{job("a", false)}}, applier.Next, "start 1"},
		"another's and no start": {"tier,group,drop group,archive tier", false, outside{tier: "archived", jobs: both, took: map[string]time.Duration{"a": time.Second}}, applier.Failed, "DC393: Domino started no run"},
		"another's, taken back":  {"tier", true, outside{tier: "made", jobs: []port.Job{job("a", false)}}, applier.Next, "archive tier"},

		"taken back":             {"start 1", true, outside{tier: "made", group: true, jobs: []port.Job{job("a", false)}}, applier.Next, "stop a"},
		"taken back, group":      {"start 1", true, outside{tier: "made", group: true}, applier.Next, "drop group"},
		"taken back, tier":       {"start 1", true, outside{tier: "made"}, applier.Next, "archive tier"},
		"taken back, all":        {"start 1", true, outside{tier: "archived", jobs: both}, applier.Undone, ""},
		"unlisted, group":        {"start 1", true, outside{tier: "made", group: true, listed: down}, applier.Next, "drop group"},
		"unlisted, tier":         {"start 1", true, outside{tier: "made", listed: down}, applier.Next, `archive tier; Domino does not list its jobs, and run "domctl probe `},
		"unlisted, nothing else": {"start 1", true, outside{tier: "archived", listed: down}, applier.Undone, ""},
	} {
		a := attempt(strings.FieldsFunc(c.begun, func(r rune) bool { return r == ',' })...)
		a.Abort = c.abort
		p := &probe.Prober{Documents: c.out, Domino: c.out, Now: func() time.Time { return began.Add(2 * time.Minute) }}
		st, err := p.Observe(t.Context(), a)
		said := st.Mark + st.Why + st.Outputs["pulled"].Text
		if st.State != c.state || (err != nil) != (c.says == "error") || err == nil && !strings.HasPrefix(said, c.says) && !strings.Contains(st.Why, c.says) {
			t.Errorf("%s: %+v, %v, want %v: %s", name, st, err, c.state, c.says)
		}
		if st.State == applier.Next && c.abort {
			a.Mark = st.Mark
			if err := p.Start(t.Context(), a); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}

// TestClocks: a run has its time by domctl's clock, whatever Domino's says.
func TestClocks(t *testing.T) {
	for _, apart := range []time.Duration{-59 * time.Minute, -31 * time.Minute, 0, 40 * time.Minute} {
		j := job("a", false)
		j.Submitted = began.Add(apart)
		o, now := outside{tier: "made", group: true, jobs: []port.Job{j}}, began
		p := &probe.Prober{Documents: o, Domino: o, Now: func() time.Time { return now }}
		for _, c := range []struct {
			after time.Duration
			state applier.State
			says  string
		}{{5 * time.Second, applier.Pending, "since 0s"}, {30 * time.Minute, applier.Pending, "since 29m55s"}, {31 * time.Minute, applier.Next, "stop a"}} {
			now = began.Add(c.after)
			st, err := p.Observe(t.Context(), attempt("tier", "group", "start 1"))
			if err != nil || st.State != c.state || !strings.HasSuffix(st.Mark+st.Why, c.says) {
				t.Errorf("%s apart, after %s: %+v, %v", apart, c.after, st, err)
			}
		}
	}
}
