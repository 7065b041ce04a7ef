package world_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (b *bench) rebuilds(objects map[schema.Address]schema.Object, addresses ...string) planner.Plan {
	b.t.Helper()
	p, err := b.engine(objects).Plan(context.Background(), engine.PlanOptions{Rebuild: addresses})
	if err != nil {
		b.t.Fatalf("%v", err)
	}
	return p
}

// TestAnEnvironmentIsBuiltAgain: another revision of the same is made without the cache, and
// made active. The files state nothing of it, so that the next plan is empty; asked again,
// another one is made; and the way back makes the former one active.
func TestAnEnvironmentIsBuiltAgain(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN true"})
	b.apply(e)
	was := b.active()
	if p := b.plan(e); !p.Empty() {
		t.Fatalf("%+v", p.Changes)
	}
	p := b.rebuilds(e, "environments.Spark")
	if got := steps(p); len(p.Steps) != 2 || !strings.Contains(got, "domino.build") || !strings.Contains(got, "domino.activate") || !strings.Contains(got, `dockerfile="RUN true"`) || !strings.Contains(got, "skipCache=true") {
		t.Errorf("steps\n%s", got)
	}
	if c := p.Changes[0]; len(p.Changes) != 1 || c.Action != planner.ActionUpdate || c.Reason != "to be built again, as asked" || len(c.Fields) != 1 || c.Fields[0].Path != "skipCache" {
		t.Errorf("%+v", p.Changes)
	}
	b.carryOut(e, p)
	first := b.active()
	if p := b.plan(e); !p.Empty() || first == was {
		t.Errorf("revision %s after %s: %+v", first, was, p.Changes)
	}
	b.carryOut(e, b.rebuilds(e, "environments.*"))
	if second := b.active(); second == first {
		t.Errorf("revision %s again", second)
	}
	b.rollback()
	if got := b.active(); got != first {
		t.Errorf("revision %s after the way back, want %s", got, first)
	}
}

// TestBuiltAgainBesideAChange: what differs is built in the same revision.
func TestBuiltAgainBesideAChange(t *testing.T) {
	b := withAPI(t)
	b.apply(object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN true"}))
	e := object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN false || true", "skipCache": true})
	p := b.rebuilds(e, "environments.Spark")
	if got := steps(p); len(p.Steps) != 2 || !strings.Contains(got, `dockerfile="RUN false || true"`) || p.Changes[0].Reason != "files changed" {
		t.Errorf("%s: %+v", got, p.Changes)
	}
	b.carryOut(e, p)
	p = b.rebuilds(e, "environments.Spark") // where the files state skipCache
	if len(p.Steps) != 2 {
		t.Errorf("%s", steps(p))
	}
	b.carryOut(e, p)
	if p := b.plan(e); !p.Empty() {
		t.Errorf("%+v", p.Changes)
	}
}

// TestNothingToBuildAgain says why.
func TestNothingToBuildAgain(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"name": "Spark"})
	built := object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN true"})
	hidden := object("environments", "Spark", map[string]any{"name": "Spark", "dockerfile": "RUN true", "archived": true})
	for want, c := range map[string]struct {
		files map[schema.Address]schema.Object
		o     engine.PlanOptions
	}{
		"do not state what environments.Spark is built from": {e, engine.PlanOptions{Rebuild: []string{"environments.Spark"}}},
		"which --target or --exclude leaves out":             {built, engine.PlanOptions{Rebuild: []string{"environments.Spark"}, Exclude: []string{"environments.Spark"}}},
		"environments.Spark is archived":                     {hidden, engine.PlanOptions{Rebuild: []string{"environments.*"}}},
		"did you mean environments.Spark?":                   {built, engine.PlanOptions{Rebuild: []string{"environments.Sprak"}}},
	} {
		if _, err := b.engine(c.files).Plan(context.Background(), c.o); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
	b.deployment.Domino.URL = ""
	if p := b.rebuilds(built, "environments.Spark"); len(p.Steps) > 0 || !slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "DC231" }) {
		t.Errorf("without an API: %v %s", findings(p), steps(p))
	}
}
