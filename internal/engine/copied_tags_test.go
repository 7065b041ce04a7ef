package engine_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/sim"
	"domctl.dev/schema"
)

// writes are the calls that had an effect and speak of an object.
func (r rig) writes(of string) (calls []string) {
	for _, e := range r.Effects {
		if strings.Contains(e.Args, of) {
			calls = append(calls, e.Call+" "+e.Args)
		}
	}
	return calls
}

// TestCopiedTagsOfInstances: somebody's instance that has the tags of a step, as one
// that was launched by "launch more like this", is left alone in a bake and on the way
// back.
func TestCopiedTagsOfInstances(t *testing.T) {
	f := bakingFixture(t)
	c := content(f.after, "one")
	r := f.start(t)
	p := r.plan(c)
	there := false
	e, err := r.Process(t.Context(), c, sim.Options{Holder: "test", Gate: func(call string, phase sandbox.Phase) error {
		if call != "RunInstances" || phase != sandbox.Before || there {
			return nil
		}
		there = true
		r.meanwhile(func(aws map[string]any) {
			for op, id := range map[string]string{"bake.image": "i-000000000000bad01", "bake.verify": "i-000000000000bad02"} {
				object(aws, "instances", id, map[string]any{"image": "ami-00000000000000001", "type": "m5.large", "token": "people", "tags": map[string]any{"Name": "somebodys", "domctl:token": r.tokenOf(c, p, op)}})
			}
		})
		return nil
	}})
	must(t, err)
	r.ended(e.Apply(t.Context(), p))
	back, err := r.engine(c).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(r.engine(c).Apply(t.Context(), back))
	if calls := r.writes("bad0"); len(calls) > 0 {
		t.Errorf("they are written to: %v", calls)
	}
}

// TestACopyThatIsATrojan: an image in the other region that has the tags of a copy,
// and its name even, is not taken for it: nobody is let in, and it is left alone.
func TestACopyThatIsATrojan(t *testing.T) {
	f := bakingFixture(t)
	c := content(f.after, "one")
	c.Desired.Objects[executor].Fields[schema.CopyTo("us-east-1")] = schema.Value{Is: schema.Known, Text: "{}"}
	c.Desired.Objects[executor].Fields["share"] = schema.JSON([]string{"222233334444"})
	for _, named := range []bool{false, true} {
		r := f.start(t)
		p := r.plan(c)
		step := stepOf(t, p, "bake.copy")
		e, err := r.Process(t.Context(), c, sim.Options{Holder: "test", Gate: func(call string, phase sandbox.Phase) error {
			if call != "CopyImage" && call != "CreateImage" || phase != sandbox.Before || strings.Contains(string(r.Box.Content()), "bad03") {
				return nil
			}
			name := "trojan"
			for _, i := range r.own() {
				if named && i.Tags[schema.TagKey] == step.Args["key"].Str() {
					name = i.Name
				}
			}
			if named && name == "trojan" {
				return nil // the image is not there yet
			}
			trojan := map[string]any{"architecture": "x86_64", "name": name, "tags": map[string]any{"domctl:token": r.tokenOf(c, p, "bake.copy"), "domctl:key": step.Args["key"].Str(), "domctl:verified": "passed"}}
			r.meanwhile(func(aws map[string]any) {
				aws["regions"] = map[string]any{"us-east-1": map[string]any{"images": map[string]any{"ami-000000000000bad03": trojan}}}
			})
			return nil
		}})
		must(t, err)
		res, err := e.Apply(t.Context(), p)
		r.ended(res, err)
		if calls := r.writes("bad03"); len(calls) > 0 || !strings.Contains(string(r.Box.Content()), "bad03") {
			t.Errorf("it is written to: %v", calls)
		}
	}
}
