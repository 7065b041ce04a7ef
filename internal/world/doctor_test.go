package world_test

import (
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// recorder notes which collection is used how.
type recorder struct {
	port.Outside
	mu   sync.Mutex
	used map[string]bool
}

func (r *recorder) note(collection, call string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.used[collection+" "+call] = true
}

func (r *recorder) Find(ctx context.Context, q port.Query) ([]port.Document, error) {
	r.note(q.Collection, "Find")
	return r.Outside.Find(ctx, q)
}

func (r *recorder) Count(ctx context.Context, g port.Group) ([]port.Count, error) {
	r.note(g.Collection, "Count")
	return r.Outside.Count(ctx, g)
}

func (r *recorder) InsertOne(ctx context.Context, collection string, d port.Document) error {
	r.note(collection, "InsertOne")
	return r.Outside.InsertOne(ctx, collection, d)
}

func (r *recorder) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (bool, error) {
	r.note(collection, "UpdateOne")
	return r.Outside.UpdateOne(ctx, collection, where, set, unset)
}

func (r *recorder) DeleteOne(ctx context.Context, collection string, where port.Document) (bool, error) {
	r.note(collection, "DeleteOne")
	return r.Outside.DeleteOne(ctx, collection, where)
}

// TestTheRolesHoldWhatIsCalled compares the printed roles with what a life of
// applies and rollbacks calls: nothing is missing, and nothing is granted that is
// never used.
func TestTheRolesHoldWhatIsCalled(t *testing.T) {
	b := newBench(t, strings.Replace(classic, `[{"_id": "small"}, `, `[{"_id": "small", "resources": {"cores": 1}}, `, 1)+", "+spark+`, "config": [{"_id": 1, "namespace": "common", "key": "k", "value": "v"}], "organizations": [{"_id": 1, "organizationUserId": {"$oid": "0123456789abcdef000000a1"}}]`, classicImages)
	b.deployment.Executors = "classic"
	r := &recorder{Outside: b.world, used: map[string]bool{}}
	e := func(objects map[schema.Address]schema.Object) *engine.Engine {
		c := b.engine(objects).Config
		c.Outside = r
		opened, err := engine.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		return opened
	}
	apply := func(objects map[schema.Address]schema.Object) {
		p, err := e(objects).Plan(t.Context(), engine.PlanOptions{})
		if err != nil {
			t.Fatal(err)
		}
		if res, err := e(objects).Apply(t.Context(), p); err != nil || res.Outcome == "" {
			t.Fatal(res, err)
		}
	}
	image := object("amis", "x", map[string]any{"find.name": "b", "image": "ami-22222222", "replaces": []string{"ami-11111111"}})
	apply(all(image, object("hardwareTiers", "small", map[string]any{"cores": 2, "ami": "@amis.x#image"}), object("hardwareTiers", "new", map[string]any{"cores": 2}),
		object("environments", "Spark", map[string]any{"visibility": "global", "owner": "data-org"}),
		object("defaultEnvironments", "data-org", map[string]any{"environment": "@environments.Spark#id"}), object("settings", "k", map[string]any{"value": nil}), object("settings", "l", map[string]any{"value": "1"})))
	ids, err := e(nil).Rollbacks(t.Context(), engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	p, err := e(nil).Rollback(t.Context(), ids[0], engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e(nil).Apply(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	apply(object("settings", "k", map[string]any{"value": "w"}))
	if _, err := e(nil).Import(t.Context(), engine.ImportOptions{}); err != nil {
		t.Fatal(err)
	}

	granted := map[string]bool{}
	for collection, calls := range world.Uses(b.deployment, true) {
		for _, call := range calls {
			granted[collection+" "+call] = true
		}
	}
	delete(granted, "environments Find")   // read only where environments_v2 is empty
	delete(granted, "model_versions Find") // read only by the list of environments that nobody uses
	if got, want := schema.Sorted(r.used), schema.Sorted(granted); !slices.Equal(got, want) {
		t.Errorf("used\n%v\ngranted\n%v", got, want)
	}
	for collection, calls := range world.Uses(b.deployment, false) {
		for _, call := range calls {
			if call != "Find" && call != "Count" {
				t.Errorf("a plan may call %s of %s", call, collection)
			}
		}
	}
}

// TestADoctorTellsWritesThatAreRefused holds what becomes of dry runs.
func TestADoctorTellsWritesThatAreRefused(t *testing.T) {
	b := newBench(t, smallTier, "")
	d := engine.Doctor{Compiled: compiler.Result{Desired: schema.Desired{Deployment: b.deployment}}, Outside: b.world, Store: b.store, Secret: b.secret,
		Writes: func(context.Context) map[string]error {
			return map[string]error{"ec2:A": nil, "ec2:B": engine.ErrUntried, "ec2:C": port.ErrDenied}
		}}
	got := map[string]bool{}
	for _, c := range d.Probe(t.Context()) {
		got[c.Name] = c.OK
	}
	for name, ok := range map[string]bool{"ec2:A (apply)": true, "ec2:B (apply)": true, "ec2:C (apply)": false} {
		if has, there := got[name]; !there || has != ok {
			t.Errorf("%s: %v %v", name, has, there)
		}
	}
}

// TestADoctorWritesNothing probes a world whose every write fails the test.
func TestADoctorWritesNothing(t *testing.T) {
	mongo, aws, objects := everything()
	b := newBench(t, mongo, aws)
	b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
	before, store := string(b.memory.Content()), state.Memory()
	b.open(sandbox.Options{Hook: func(call string, _ sandbox.Phase) error {
		for _, verb := range []string{"Create", "Modify", "Delete", "Update", "Insert", "Copy"} {
			if strings.HasPrefix(call, verb) {
				t.Errorf("%s is called", call)
			}
		}
		return nil
	}})
	checks := engine.Doctor{Compiled: compiler.Result{Desired: schema.Desired{Deployment: b.deployment, Objects: objects}}, Outside: b.world, Store: store, Secret: b.secret}.Probe(t.Context())
	for _, c := range checks {
		if !c.OK {
			t.Errorf("%+v", c)
		}
	}
	if len(store.Bodies()) > 0 || string(b.memory.Content()) != before || len(checks) < 12 {
		t.Errorf("%d checks, %d records written", len(checks), len(store.Bodies()))
	}
}
