package engine_test

import (
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
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
	r = r.changed(func(aws map[string]any) {
		for op, id := range map[string]string{"bake.image": "i-000000000000bad01", "bake.verify": "i-000000000000bad02"} {
			token := applier.Token(p.ID, stepOf(t, p, op).ID)
			object(aws, "instances", id, map[string]any{"image": "ami-00000000000000001", "type": "m5.large", "token": "people", "tags": map[string]any{"Name": "somebodys", "domctl:token": token}})
		}
	})
	r.ended(r.engine(c).Apply(t.Context(), p))
	back, err := r.engine(c).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
	if err != nil {
		t.Fatal(err)
	}
	r.ended(r.engine(c).Apply(t.Context(), back))
	if calls := r.writes("bad0"); len(calls) > 0 {
		t.Errorf("they are written to: %v", calls)
	}
}
