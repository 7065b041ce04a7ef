package planner

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"domctl.dev/schema"
)

// TestOutRefs name the output that was meant, whatever ids, steps and outputs are
// called, and never pass for an object's own.
func TestOutRefs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		prefix, step, id := rapid.String().Draw(t, "prefix"), rapid.String().Draw(t, "step"), rapid.StringN(1, 20, -1).Draw(t, "id")
		r := OutRef("ec2/image", prefix, step, "image")
		if v, ok := r.Out(); !ok || v != OutOf(step, "image") {
			t.Fatalf("%s waits for %v, %v", r, v, ok)
		}
		known := func(v schema.Value) schema.Value {
			if v == OutOf(step, "image") {
				return schema.JSON(id)
			}
			return v
		}
		s := Step{ID: "own", Object: r, Expects: []Expect{{Ref: r, Path: "tag"}}}
		if got, want := s.Resolved(known), Ref("ec2/image#"+prefix+id); got.Object != want || got.Expects[0].Ref != want || s.Expects[0].Ref != r {
			t.Fatalf("%s is resolved to %s, %s", r, got.Object, got.Expects[0].Ref)
		}
		if _, waits := Ref("ec2/image#" + prefix + "#" + step + "#image").Out(); waits {
			t.Fatal("an object's own id is taken for an output")
		}
	})
	if got := OutRef("ec2/version", "lt-1/", "amis.gpu/x", "version"); got != "out/ec2/version#lt-1%2F#amis.gpu/x#version" {
		t.Error(got)
	}
}

// TestNamedOutputsMakeTheOrder wherever a step names one.
func TestNamedOutputsMakeTheOrder(t *testing.T) {
	made := OutRef("ec2/image", "", "make", "image")
	for name, s := range map[string]Step{
		"object":            {Object: made},
		"expected object":   {Expects: []Expect{{Ref: made, Value: Exists()}}},
		"expected value":    {Expects: []Expect{{Ref: "x/y#z", Value: OutOf("make", "image")}}},
		"written":           {Writes: map[string]schema.Value{"image": OutOf("make", "image")}},
		"argument":          {Args: map[string]schema.Value{"image": OutOf("make", "image")}},
		"on the same image": {Object: made, Writes: map[string]schema.Value{"tag": schema.JSON(1)}},
	} {
		s.ID, s.Address = "use", addr(tier)
		steps := []Step{{ID: "make", Address: addr(tier), Creates: "image"}, s}
		if _, err := link(steps, nil); err != nil || !slices.Equal(steps[1].After, []string{"make"}) {
			t.Errorf("%s: after %v, %v", name, steps[1].After, err)
		}
		p := Plan{ID: "a", Changes: []Change{{Address: addr(tier), Action: ActionUpdate}}, Steps: steps}
		if why := p.unsound(); why != "" {
			t.Errorf("%s: %s", name, why)
		}
		if steps[1].After = nil; p.unsound() == "" {
			t.Errorf("%s: a plan without the order is taken for sound", name)
		}
	}
	chain := []Step{{ID: "make"}, {ID: "tag", Object: made}, {ID: "share", Object: made}}
	if _, err := link(chain, nil); err != nil || !slices.Equal(chain[2].After, []string{"make", "tag"}) {
		t.Errorf("steps on one object that is to be made: after %v, %v", chain[2].After, err)
	}
}
