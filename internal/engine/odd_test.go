package engine_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/schema"
)

// odd are values that nobody expects, each of another BSON type; "" is none.
func odd() []string {
	return []string{"", `null`, `"odd"`, `""`, `"` + strings.Repeat("x", 5000) + `"`, `7`, `-1`, `{"$numberDouble":"NaN"}`, `{"$numberDouble":"-Infinity"}`,
		`{"$numberLong":"9223372036854775807"}`, `{"$numberDecimal":"1E+6144"}`, `true`, `[]`, `[1,{"a":null}]`, `{}`, `{"a":{"b":1}}`, `{"$oid":"650000000000000000000099"}`,
		`{"$date":{"$numberLong":"-1"}}`, `{"$binary":{"base64":"AA==","subType":"00"}}`, `{"$timestamp":{"t":1,"i":1}}`, `{"$regularExpression":{"pattern":"x","options":""}}`, `{"$minKey":1}`}
}

// places are all paths of a JSON value, the inner ones too; Extended JSON is a leaf.
func places(v any, at []string) (all [][]string) {
	m, ok := v.(map[string]any)
	if !ok {
		return nil
	}
	for _, k := range schema.Sorted(m) {
		if strings.HasPrefix(k, "$") {
			return nil
		}
		here := append(slices.Clone(at), k)
		all = append(append(all, here), places(m[k], here)...)
	}
	return all
}

// with is a copy of a JSON value with another value at a path.
func with(t *testing.T, v any, at []string, value string) any {
	t.Helper()
	var copied map[string]any
	if err := json.Unmarshal([]byte(schema.JSON(v).Text), &copied); err != nil {
		t.Fatal(err)
	}
	last, in := at[len(at)-1], copied
	for _, k := range at[:len(at)-1] {
		in = in[k].(map[string]any)
	}
	if in[last] = json.RawMessage(value); value == "" {
		delete(in, last)
	}
	return copied
}

// TestDocumentsOfOddTypes: whatever stands anywhere in a document, it is planned
// over or told by name; what is there is never made again, and an apply of such a
// plan ends, with nothing left to do.
func TestDocumentsOfOddTypes(t *testing.T) {
	for _, f := range fixtures(t) {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			start := f.start(t)
			var all struct{ Mongo map[string][]any }
			whole := map[string]any{}
			for _, into := range []any{&all, &whole} {
				if err := json.Unmarshal(start.Box.Content(), into); err != nil {
					t.Fatal(err)
				}
			}
			told, planned := 0, 0
			for collection, docs := range all.Mongo {
				for i := range docs {
					for _, at := range places(docs[i], nil) {
						for _, value := range odd() {
							if strings.Contains(value, "$regularExpression") && at[0] == "_id" {
								continue // MongoDB takes none
							}
							odd := slices.Clone(docs)
							odd[i] = with(t, docs[i], at, value)
							name := fmt.Sprintf("%s %d %s = %.60s", collection, i, strings.Join(at, "."), value)
							if start.oddly(f, name, with(t, whole, []string{"mongo", collection}, schema.JSON(odd).Text)) {
								planned++
							} else {
								told++
							}
						}
					}
				}
			}
			t.Logf("%d are told, %d planned over", told, planned)
		})
	}
}

// oddly plans and applies over a world, and says whether it could be planned.
func (r rig) oddly(f fixture, name string, world any) bool {
	r.t.Helper()
	defer func() {
		if p := recover(); p != nil {
			r.t.Errorf("%s: panic: %v", name, p)
		}
	}()
	r = r.copy()
	if err := r.Box.Replace([]byte(schema.JSON(world).Text)); err != nil {
		return false // no MongoDB holds it either
	}
	e := r.engine(f.after)
	p, err := e.Plan(r.t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil {
		if !strings.Contains(err.Error(), "DC") {
			r.t.Errorf("%s: %v", name, err)
		}
		return false
	}
	if schema.Failed(p.Findings) {
		return false
	}
	res, err := e.Apply(r.t.Context(), p)
	if err != nil || res.Outcome != applier.EndedOutcome {
		r.t.Errorf("%s: %s %v %v", name, res.Outcome, res.Why, err)
		return true
	}
	again, err := e.Plan(r.t.Context(), engine.PlanOptions{Allow: []string{"archive"}})
	if err != nil || !again.Empty() {
		r.t.Errorf("%s: again: %v %v %v", name, again.Changes, again.Steps, err)
	}
	return true
}
