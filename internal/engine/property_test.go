package engine_test

import (
	"fmt"
	"maps"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// TestThereAndBack: for any files and any world, what was applied is what was
// wanted, the way back leaves the world as it was, and the same input makes the
// same effect, whatever is changed that nobody manages.
func TestThereAndBack(t *testing.T) {
	f := fixtures(t)[0]
	rapid.Check(t, func(rt *rapid.T) {
		m, err := sim.NewMachine(f.content, sim.NewJump())
		if err != nil {
			rt.Fatal(err)
		}
		m.Secrets = f.secrets
		disturb(rt, m)
		files := drawFiles(rt, f.after)
		before := managedOf(rt, m)
		e, err := m.Process(t.Context(), files, sim.Options{Holder: "test", Parallelism: rapid.IntRange(1, 4).Draw(rt, "parallelism")})
		if err != nil {
			rt.Fatal(err)
		}
		o := engine.PlanOptions{}
		p, err := e.Plan(t.Context(), o)
		if err != nil {
			rt.Fatal(err)
		}
		if again, err := e.Plan(t.Context(), o); err != nil || again.Effect != p.Effect {
			rt.Fatalf("another effect from the same input: %v", err)
		}
		res, err := e.Apply(t.Context(), p)
		if err != nil || res.Left > 0 || len(res.Why) > 0 {
			rt.Fatalf("%+v, %v", res, err)
		}
		if again, err := e.Plan(t.Context(), o); err != nil || !again.Empty() {
			rt.Fatalf("the second plan holds %+v, %v", again.Changes, err)
		}
		back, err := e.Rollback(t.Context(), p.ID, engine.RollbackOptions{})
		if err == nil {
			res, err = e.Apply(t.Context(), back)
		}
		if err != nil || res.Left > 0 || len(res.Why) > 0 {
			rt.Fatalf("back: %+v, %v", res, err)
		}
		if after := managedOf(rt, m); after != before {
			rt.Fatalf("the world is\n%s\nand was\n%s", after, before)
		}
	})
}

func managedOf(rt *rapid.T, m *sim.Machine) string {
	s, err := m.Managed()
	if err != nil {
		rt.Fatal(err)
	}
	return s
}

// drawFiles is some of the fixture's objects with other values.
func drawFiles(rt *rapid.T, c compiler.Result) compiler.Result {
	all := c.Desired.Objects
	c.Desired.Objects = map[schema.Address]schema.Object{}
	for _, a := range schema.Addresses(all) {
		if a.Kind != "amis" && a.Name != "shared" && rapid.IntRange(0, 4).Draw(rt, "leave out "+a.String()) == 0 {
			continue
		}
		o := schema.Object{Fields: maps.Clone(all[a].Fields), At: all[a].At}
		drawFields(rt, a, o.Fields)
		c.Desired.Objects[a] = o
	}
	return c
}

func drawFields(rt *rapid.T, a schema.Address, fields map[string]schema.Value) {
	values := map[string]*rapid.Generator[string]{
		"cores":          rapid.Map(rapid.IntRange(1, 64), func(n int) string { return schema.JSON(float64(n) / 4).Text }),
		"memory":         rapid.Map(rapid.Int64Range(1, 1<<40), func(n int64) string { return schema.JSON(schema.CanonicalBytes(n)).Text }),
		"isDefault":      rapid.SampledFrom([]string{"true", "false"}),
		"centsPerMinute": rapid.SampledFrom([]string{"0", "1", "2.5", "1e-7", "12345678901"}),
		"description":    rapid.Map(rapid.String(), func(s string) string { return schema.JSON(s).Text }),
		"visibility":     rapid.SampledFrom([]string{`"private"`, `"organization"`, `"global"`}),
	}
	for _, p := range schema.Sorted(fields) {
		if g, ok := values[p]; ok && fields[p].Is == schema.Known {
			fields[p] = schema.Value{Is: schema.Known, Text: g.Draw(rt, a.String()+" "+p)}
		}
	}
}

// disturb puts other values and types into the world.
func disturb(rt *rapid.T, m *sim.Machine) {
	w, err := m.Box.Open(sandbox.Options{Clock: m.Clock.Now})
	if err != nil {
		rt.Fatal(err)
	}
	numbers := rapid.SampledFrom([]string{`{"$numberInt":"4"}`, `{"$numberLong":"4"}`, `{"$numberDouble":"4.0"}`, `{"$numberDouble":"2.5"}`, `{"$numberDecimal":"4"}`})
	texts := rapid.Map(rapid.StringN(0, 8, -1), func(s string) string { return schema.JSON(s).Text })
	for i, place := range []struct {
		collection, id, path string
		values               *rapid.Generator[string]
	}{
		{"hardware_tier", `"t-small"`, "resources.cores", numbers}, {"hardware_tier", `"t-small"`, "resources.memory.value", numbers},
		{"hardware_tier", `"t-small"`, "flags.isDefault", rapid.SampledFrom([]string{"true", "false"})}, {"hardware_tier", `"t-small"`, "notes", texts},
		{"environments_v2", `{"$oid":"660000000000000000000001"}`, "description", texts},
		{"config", `{"$oid":"650000000000000000000001"}`, "value", texts}, {"config", `{"$oid":"650000000000000000000002"}`, "value", texts},
	} {
		set, unset := port.Document{}, []string{place.path}
		switch rapid.IntRange(0, 3).Draw(rt, fmt.Sprint("place ", i)) {
		case 0:
		case 1, 2:
			set, unset = port.Document{place.path: place.values.Draw(rt, "value")}, nil
		default:
			continue
		}
		if len(unset) > 0 && (place.path == "value" || place.path == "resources.memory.value") {
			continue // half a value is a finding of its own
		}
		if _, err := w.UpdateOne(rt.Context(), place.collection, port.Document{"_id": place.id}, set, unset); err != nil {
			rt.Fatal(err)
		}
	}
}
