package engine_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// asked counts what registries are asked for layers and digests.
type asked struct {
	port.Outside
	n      *atomic.Int64
	layers func(ctx context.Context, image string) error
}

func (a asked) Layers(ctx context.Context, image, platform string) (port.Manifest, error) {
	a.n.Add(1)
	if err := a.layers(ctx, image); err != nil {
		return port.Manifest{}, err
	}
	return a.Outside.Layers(ctx, image, platform)
}

func (a asked) Digests(ctx context.Context, image string, platforms []string) (map[string]string, error) {
	a.n.Add(1)
	return a.Outside.Digests(ctx, image, platforms)
}

// planAsking plans a fixture whose registries answer through layers, and counts.
func (r rig) planAsking(c compiler.Result, within time.Duration, layers func(context.Context, string) error) (planner.Plan, int64) {
	r.t.Helper()
	box, err := r.Box.Open(sandbox.Options{Clock: r.Clock.Now})
	if err != nil {
		r.t.Fatal(err)
	}
	var n atomic.Int64
	e, err := engine.Open(r.t.Context(), engine.Config{Compiled: c, Outside: asked{box, &n, layers}, Store: r.Store, Clock: r.Clock, Random: func() string { return strings.Repeat("A", 26) },
		Secret: func(context.Context, string) (schema.Value, error) { return schema.JSON("x"), nil }, Holder: "test", Foretell: within})
	if err != nil {
		r.t.Fatal(err)
	}
	p, err := e.Plan(r.t.Context(), engine.PlanOptions{})
	if err != nil {
		r.t.Fatal(err)
	}
	return p, n.Load()
}

func answers(context.Context, string) error { return nil }

// TestAPlanForetells what new nodes pull, from the image of today and from the one
// that it bakes; what a hand-made image holds is not known, what a baked one holds
// the records tell.
func TestAPlanForetells(t *testing.T) {
	f := bakingFixture(t)
	r := f.start(t)
	p, n := r.planAsking(f.after, 0, answers)
	if n == 0 || len(p.Forecast) == 0 {
		t.Fatalf("%d asked, %+v", n, p.Forecast)
	}
	for _, told := range p.Forecast {
		for _, pull := range told.Pulls {
			if pull.Empty == nil || pull.Planned == nil || *pull.Planned >= *pull.Empty || pull.Today != nil {
				t.Errorf("from %s: %+v", told.Today, pull)
			}
		}
	}
	r.applyAll(f.after)
	if p, _ := r.planAsking(f.after, 0, answers); len(p.Forecast) != 0 || p.Changed() {
		t.Errorf("%+v", p.Forecast)
	}
	changed := f.after
	changed.Desired.Objects = map[schema.Address]schema.Object{}
	for a, o := range f.after.Desired.Objects {
		if a.String() == "amis.executor" {
			fields := map[string]schema.Value{}
			for path, v := range o.Fields {
				fields[path] = v
			}
			fields["bake"] = schema.Value{Is: schema.Known, Text: strings.Replace(o.Fields["bake"].Text, "echo tuned", "echo calm", 1)}
			o.Fields = fields
		}
		changed.Desired.Objects[a] = o
	}
	p, _ = r.planAsking(changed, 0, answers)
	if len(p.Forecast) != 1 || len(p.Forecast[0].Users) != 2 {
		t.Fatalf("%+v", p.Forecast)
	}
	for _, pull := range p.Forecast[0].Pulls {
		if pull.Today == nil || pull.Planned == nil || *pull.Today != *pull.Planned {
			t.Errorf("%+v", pull)
		}
	}
}

// TestAPlanWithoutBakesAsksNoRegistry for layers, however much else it changes.
func TestAPlanWithoutBakesAsksNoRegistry(t *testing.T) {
	seen := 0
	for _, f := range fixtures(t) {
		p, n := f.start(t).planAsking(f.after, 0, answers)
		if slices.ContainsFunc(p.Steps, func(s planner.Step) bool { return strings.HasPrefix(s.Op, "bake.") }) {
			continue
		}
		seen++
		if n != 0 || p.Forecast != nil || len(p.Steps) == 0 {
			t.Errorf("%s: registries were asked %d times, %d steps", f.name, n, len(p.Steps))
		}
	}
	if seen < 2 {
		t.Errorf("only %d plans without bakes", seen)
	}
}

// TestSilentRegistry: one that never answers, or breaks off half way, costs a plan
// the time it was given and a finding; nothing is foretold as nothing.
func TestSilentRegistry(t *testing.T) {
	f := bakingFixture(t)
	silent := func(ctx context.Context, _ string) error { <-ctx.Done(); return ctx.Err() }
	var n atomic.Int64
	throttled := func(context.Context, string) error {
		if n.Add(1) > 1 {
			return errors.New("throttled by the registry; wait, or log in for a higher limit")
		}
		return nil
	}
	for name, layers := range map[string]func(context.Context, string) error{"silent": silent, "throttled": throttled} {
		r, before := f.start(t), time.Now()
		p, _ := r.planAsking(f.after, 50*time.Millisecond, layers)
		if name == "silent" && time.Since(before) > 10*time.Second {
			t.Error("the plan waited", time.Since(before))
		}
		i := slices.IndexFunc(p.Findings, func(f schema.Finding) bool { return f.Code == "DC267" && f.Severity == schema.Warning })
		if i < 0 || len(p.Steps) == 0 || len(p.Forecast) == 0 {
			t.Fatalf("%s: %+v", name, p.Findings)
		}
		for _, told := range p.Forecast {
			for _, pull := range told.Pulls {
				if pull.Planned != nil || pull.Today != nil {
					t.Errorf("%s: %+v", name, pull)
				}
			}
		}
		r.ended(r.engine(f.after).Apply(r.t.Context(), r.plan(f.after)))
	}
}
