package domino

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// still is a clock that moves when someone sleeps.
type still struct{ now time.Time }

func (s *still) Now() time.Time { return s.now }

func (s *still) Sleep(ctx context.Context, d time.Duration) error {
	s.now = s.now.Add(d)
	return ctx.Err()
}

// whole is all that it takes to plan over a double.
type whole struct {
	t       *testing.T
	double  *store
	records *state.InMemory
	clock   *still
	random  int
	secrets map[string]string
}

func (w *whole) engine(objects map[schema.Address]schema.Object) *engine.Engine {
	w.t.Helper()
	m, err := sandbox.NewMemory("sandbox.json", []byte(`{"aws": {"account": "111122223333", "region": "us-west-2"}, "mongo": {}}`))
	if err != nil {
		w.t.Fatal(err)
	}
	outside, err := m.Open(sandbox.Options{Clock: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	d := schema.Deployment{Name: "prod", World: "sandbox", Executors: "kubernetes", AWS: schema.AWS{Account: "111122223333", Region: "us-west-2"},
		Mongo: schema.Mongo{Database: "domino", ReplicaSet: "rs0"}, Backends: schema.Backends{HardwareTiers: schema.API, Settings: schema.API}}
	e, err := engine.Open(w.t.Context(), engine.Config{Domino: w.double.open(w.t), Outside: outside, Store: w.records, Clock: w.clock, Holder: "test", Parallelism: 4,
		Compiled: compiler.Result{Desired: schema.Desired{Deployment: d, Objects: objects}},
		Secret: func(_ context.Context, ref string) (schema.Value, error) {
			if s, known := w.secrets[ref]; known {
				return schema.JSON(s), nil
			}
			return schema.Value{}, fmt.Errorf("no secret %s", ref)
		},
		Random: func() string { w.random++; return fmt.Sprintf("%012d%014d", w.random, 0) }})
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *whole) ended(e *engine.Engine, p planner.Plan) {
	w.t.Helper()
	if res, err := e.Apply(w.t.Context(), p); err != nil || res.Outcome != applier.EndedOutcome {
		w.t.Fatalf("%+v %v", res, err)
	}
}

// TestPlansOverTheAPI: what is applied over each dialect is what a read then answers,
// whatever Domino makes of it, and the way back leads to where it began.
func TestPlansOverTheAPI(t *testing.T) {
	internal := strings.NewReplacer(`"resources"`, `"hwtResources"`, `"flags"`, `"hwtFlags"`, `"units"`, `"unit"`, `"overProvisioning"`, `"overprovisioning"`)
	const tier = `{"id": "small", "name": "Small", "nodePool": "default", "centsPerMinute": 1.5, "updateTime": "2026-01-01T00:00:00Z", "creationTime": "2026-01-01T00:00:00Z", "metadata": {"a": "b"}, "odd": {"x": [1.0]},
		"resources": {"cores": 2, "coresLimit": null, "memory": {"value": 4096.0, "units": "MiB"}, "allowSharedMemoryToExceedDefault": false},
		"flags": {"isDefault": true, "isVisible": true, "isGlobal": true, "isArchived": false, "isDataAnalystTier": false}, "gpuConfiguration": null, "podCustomization": {"additionalLabels": {}},
		"overProvisioning": {"instances": 1, "schedulingEnabled": true, "daysOfWeek": ["Tuesday", "Monday"], "timezone": "UTC", "fromTime": "08:00", "toTime": "18:00:00"}}`
	fields := map[string]any{"cores": 3, "memory": "6GiB", "centsPerMinute": 2, "gpu.count": 1, "gpu.key": "nvidia.com/gpu", "overProvisioning.daysOfWeek": []string{"mon", "sun"},
		"overProvisioning.toTime": "19:00", `podCustomization.additionalLabels."example.com/team"`: "a"}
	for name, v4 := range map[string]bool{"public": false, "v4": true} {
		t.Run(name, func(t *testing.T) {
			text := tier
			if v4 {
				text = internal.Replace(tier)
			}
			d := &store{v4: v4, tiers: []map[string]any{decoded(t, text)}, config: []map[string]any{{"id": "1", "setting": map[string]any{"namespace": "common", "key": "com.x", "value": "1", "nameMaybe": nil}}}}
			w := &whole{t: t, double: d, records: state.Memory(), clock: &still{now: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}}
			files := map[schema.Address]schema.Object{}
			for a, stated := range map[schema.Address]map[string]any{{Kind: "hardwareTiers", Name: "small"}: fields, {Kind: "settings", Name: "com.x"}: {"value": "2"}, {Kind: "settings", Name: "com.y"}: {"value": "3"}} {
				o := schema.Object{Fields: map[string]schema.Value{}, At: map[string][]schema.Position{}}
				for p, v := range stated {
					o.Fields[p] = schema.JSON(v)
				}
				files[a] = o
			}
			p, err := w.engine(files).Plan(t.Context(), engine.PlanOptions{})
			if err != nil || len(p.Steps) != 3 {
				t.Fatalf("%+v %v", p.Steps, err)
			}
			w.ended(w.engine(files), p)
			again, err := w.engine(files).Plan(t.Context(), engine.PlanOptions{})
			if err != nil || !again.Empty() || len(again.Drift) > 0 {
				t.Fatalf("the second plan is not empty: %+v %v", again.Changes, err)
			}
			back, err := w.engine(files).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
			if err != nil {
				t.Fatal(err)
			}
			w.ended(w.engine(nil), back)
			want, got := d.dialectOf().public(decoded(t, text)), d.dialectOf().public(d.tiers[0])
			after, before := document(got), document(want)
			for _, path := range []string{"updateTime", "overProvisioning.daysOfWeek", "overProvisioning.toTime", "resources.memory.units", "resources.memory.value", "podCustomization.additionalLabels"} {
				delete(after, path) // written in another form that means the same
				delete(before, path)
			}
			if schema.JSON(after).Text != schema.JSON(before).Text {
				t.Errorf("the way back leads elsewhere\nbefore %v\nafter  %v", before, after)
			}
			if got := schema.JSON(d.config).Text; got != `[{"id":"1","setting":{"key":"com.x","nameMaybe":null,"namespace":"common","value":"1"}}]` {
				t.Errorf("settings are %s", got)
			}
		})
	}
}

func (d *store) dialectOf() dialect {
	if d.v4 {
		return internalTiers()
	}
	return publicTiers()
}

// TestARouteThatIsDenied, or that does not answer, holds up the kind that is read by it,
// and not the other.
func TestARouteThatIsDenied(t *testing.T) {
	const tiers, config = "/api/hardwaretiers", configList
	for route, held := range map[string]string{tiers: "hardwareTiers", config: "settings"} {
		for _, code := range []int{401, 403, 429, 500, 503, 0} {
			synctest.Test(t, func(t *testing.T) {
				d := &store{tiers: []map[string]any{decoded(t, odd)}, config: []map[string]any{{"id": "1", "setting": map[string]any{"namespace": "common", "key": "com.x", "value": "1"}}}}
				d.client = over(t, func(r *http.Request) (*http.Response, error) {
					if strings.HasPrefix(r.URL.Path, route) && code == 0 {
						<-r.Context().Done()
						return nil, r.Context().Err()
					}
					w := &answered{header: http.Header{}, code: 200}
					if strings.HasPrefix(r.URL.Path, route) {
						w.code = code
					} else {
						d.ServeHTTP(w, r)
					}
					return &http.Response{StatusCode: w.code, Header: w.header, Body: io.NopCloser(strings.NewReader(w.body.String())), Request: r}, nil
				})
				w := &whole{t: t, double: d, records: state.Memory(), clock: &still{now: time.Now()}}
				files := map[schema.Address]schema.Object{{Kind: "hardwareTiers", Name: "small"}: {Fields: map[string]schema.Value{"cores": schema.JSON(9)}},
					{Kind: "hardwareTiers", Name: "new"}: {Fields: map[string]schema.Value{"cores": schema.JSON(9), "memory": schema.JSON("1GiB"), "nodePool": schema.JSON("p")}},
					{Kind: "settings", Name: "com.x"}:    {Fields: map[string]schema.Value{"value": schema.JSON("2")}}, {Kind: "settings", Name: "com.y"}: {Fields: map[string]schema.Value{"value": schema.JSON("2")}}}
				p, err := w.engine(files).Plan(t.Context(), engine.PlanOptions{})
				if err != nil || len(p.Steps) != 2 || p.Summary.Blocked != 2 || p.Refused() {
					t.Fatalf("%s %d: %+v %v", route, code, p.Findings, err)
				}
				for _, s := range p.Steps {
					if s.Address.Kind == held {
						t.Errorf("%s %d: %s is written", route, code, s.Address)
					}
				}
				for _, f := range p.Findings {
					if f.Code == "DC119" && (f.Address.Kind != held || !strings.Contains(f.Message, route)) {
						t.Errorf("%s %d: it says %+v", route, code, f)
					}
				}
				w.ended(w.engine(files), p)
			})
		}
	}
}
