package worldtest

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const things = "things"

func findCases() []Case {
	return []Case{
		{Name: "Database/Identity", Source: "MongoDB manual, hello", run: database},
		{Name: "Find/Leaves", Source: "MongoDB Extended JSON (v2), canonical", run: leaves},
		{Name: "Find/MissingCollectionIsEmpty", Source: "MongoDB manual, db.collection.find", run: missingCollection},
		{Name: "Find/AnyIsIn", Source: "MongoDB manual, $in", run: anyIsIn},
		{Name: "Find/NumbersMatchAcrossTypes", Source: "MongoDB manual, Comparison/Sort Order", run: numbersMatch},
		{Name: "Find/ArraysMatchByElement", Source: "MongoDB manual, Query an Array", run: arraysMatch},
		{Name: "Find/NullFindsMissing", Source: "MongoDB manual, Query for Null or Missing Fields", run: nullFinds},
		{Name: "Find/Projection", Source: "MongoDB manual, Project Fields to Return from Query", run: projection},
		{Name: "Find/Dates", Source: "MongoDB Extended JSON (v2), $date", run: dates},
		{Name: "Find/Newest", Source: "MongoDB manual, cursor.sort and cursor.limit; $gte", run: findNewest},
		{Name: "Count/Groups", Source: "MongoDB manual, $group", run: countGroups},
		{Name: "Count/Last", Source: "MongoDB manual, $max", run: countLast},
		{Name: "Count/MissingIsNull", Source: "MongoDB manual, $group, null and missing", run: countMissing},
		{Name: "Count/Since", Source: "MongoDB Manual, $gte; Comparison/Sort Order, type bracketing", run: countSince},
	}
}

func find(t *testing.T, w World, q port.Query) []port.Document {
	t.Helper()
	q.Collection = things
	return value(w.Documents.Find(background(), q))(t)
}

// ids are the _id leaves of the answer, sorted.
func ids(docs []port.Document) (out []string) {
	for _, d := range docs {
		out = append(out, d["_id"])
	}
	slices.Sort(out)
	return out
}

func wantIDs(t *testing.T, docs []port.Document, want ...string) {
	t.Helper()
	if got := ids(docs); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("found %v, want %v", got, want)
	}
}

func number(n int) string { return fmt.Sprintf(`{"$numberInt":"%d"}`, n) }

func database(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1}`)
	d := value(w.Documents.Database(background()))(t)
	if d.Name != w.Want.Database || d.ReplicaSet != w.Want.ReplicaSet || !d.Primary || d.Version == "" {
		t.Errorf("database is %+v, want %+v on a primary", d, w.Want)
	}
	if !slices.Contains(d.Collections, things) {
		t.Errorf("collections are %v", d.Collections)
	}
}

func leaves(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": {"b": 1, "a": 2}, "n": {"deep": {"er": 1}, "none": {}}, "list": [{"z": 1, "a": []}], "with-dash": true, "a.b": {"c": 1}}`)
	same(t, find(t, w, port.Query{})[0], port.Document{
		"_id":       `{"a":{"$numberInt":"2"},"b":{"$numberInt":"1"}}`,
		"n.deep.er": number(1),
		"n.none":    `{}`,
		"list":      `[{"a":[],"z":{"$numberInt":"1"}}]`,
		"with-dash": `true`,
		`"a.b".c`:   number(1),
	})
}

func same(t *testing.T, got, want port.Document) {
	t.Helper()
	if maps.Equal(got, want) {
		return
	}
	for p, v := range want {
		if got[p] != v {
			t.Errorf("%s is %q, want %q", p, got[p], v)
		}
	}
	for p, v := range got {
		if _, ok := want[p]; !ok {
			t.Errorf("%s (%s) is too much", p, v)
		}
	}
}

func missingCollection(t *testing.T, w World) {
	if docs := find(t, w, port.Query{}); len(docs) != 0 {
		t.Errorf("found %v", docs)
	}
	groups := value(w.Documents.Count(background(), port.Group{Collection: things, By: []string{"a"}}))(t)
	if len(groups) != 0 {
		t.Errorf("counted %v", groups)
	}
}

func anyIsIn(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": {"b": "x"}, "c": true}`, `{"_id": 2, "a": {"b": "y"}, "c": true}`, `{"_id": 3, "a": {"b": "z"}, "c": false}`)
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"a.b": {`"x"`, `"z"`, `"none"`}}}), number(1), number(3))
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"a.b": {`"x"`, `"z"`}, "c": {`true`}}}), number(1))
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"_id": {number(2), number(9)}}}), number(2))
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"a.b": {}}}))
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"a": {`{"b":"y"}`}}}), number(2))
}

func numbersMatch(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "n": 3}`, `{"_id": 2, "n": {"$numberLong": "3"}}`, `{"_id": 3, "n": {"$numberDouble": "3.0"}}`,
		`{"_id": 4, "n": {"$numberDouble": "3.5"}}`, `{"_id": 5, "n": "3"}`)
	for _, three := range []string{`{"$numberInt":"3"}`, `{"$numberLong":"3"}`, `{"$numberDouble":"3.0"}`} {
		wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"n": {three}}}), number(1), number(2), number(3))
	}
}

func arraysMatch(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "tags": ["a", "b"]}`, `{"_id": 2, "tags": "a"}`, `{"_id": 3, "tags": []}`, `{"_id": 4, "tags": [{"k": "a"}]}`)
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"tags": {`"a"`}}}), number(1), number(2))
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"tags": {`["a","b"]`}}}), number(1))
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"tags.k": {`"a"`}}}), number(4))
}

func nullFinds(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": null}`, `{"_id": 2}`, `{"_id": 3, "a": 0}`, `{"_id": 4, "a": false}`)
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"a": {`null`}}}), number(1), number(2))
}

func projection(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": {"b": 1, "c": {"d": 2}}, "e": 3, "f": {"g": 4}}`)
	docs := find(t, w, port.Query{Fields: []string{"a.c", "e", "f.none", "gone"}})
	same(t, docs[0], port.Document{"_id": number(1), "a.c.d": number(2), "e": number(3)})
	same(t, find(t, w, port.Query{Fields: []string{"_id"}})[0], port.Document{"_id": number(1)})
}

func dates(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "d": {"$date": "2026-03-31T12:00:00Z"}}`)
	wantIDs(t, find(t, w, port.Query{Any: map[string][]string{"d": {`{"$date":{"$numberLong":"1774958400000"}}`}}}), number(1))
}

func findNewest(t *testing.T, w World) {
	day := func(n, day int) string {
		return fmt.Sprintf(`{"_id": %d, "at": {"d": {"$date": "2026-03-%02dT12:00:00Z"}}, "x": %d}`, n, day, n)
	}
	w.Put.Documents(t, things, day(1, 3), day(2, 9), day(3, 1), day(4, 7), `{"_id": 5, "at": {"d": null}}`, `{"_id": 6}`, day(7, 8))
	since := map[string]time.Time{"at.d": time.Date(2026, 3, 3, 0, 0, 0, 0, time.UTC)}
	var got []string
	for _, d := range find(t, w, port.Query{Since: since, Newest: "at.d", Limit: 3, Fields: []string{"x"}}) {
		got = append(got, d["x"])
	}
	if want := []string{number(2), number(7), number(4)}; !slices.Equal(got, want) {
		t.Errorf("found %v, want %v", got, want)
	}
	wantIDs(t, find(t, w, port.Query{Since: since}), number(1), number(2), number(4), number(7))
	wantIDs(t, find(t, w, port.Query{Newest: "at.d", Limit: 1}), number(2))
	if all := find(t, w, port.Query{Newest: "at.d"}); len(all) != 7 || all[0]["_id"] != number(2) {
		t.Errorf("found %v, want all, the latest first", all)
	}
	if _, err := w.Documents.Find(background(), port.Query{Collection: things, Limit: 1}); err == nil {
		t.Error("a limit without an order is taken")
	}
}

func countGroups(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "e": "x", "s": "Running"}`, `{"_id": 2, "e": "x", "s": "Running"}`, `{"_id": 3, "e": "x", "s": "Failed"}`, `{"_id": 4, "e": "y", "s": "Running"}`)
	got := value(w.Documents.Count(background(), port.Group{Collection: things, By: []string{"e", "s"}}))(t)
	want := `["x" "Failed"] 1, ["x" "Running"] 2, ["y" "Running"] 1`
	if counted(got) != want {
		t.Errorf("counted %v, want %v", got, want)
	}
	got = value(w.Documents.Count(background(), port.Group{Collection: things, Any: map[string][]string{"s": {`"Running"`}}, By: []string{"e"}}))(t)
	if counted(got) != `["x"] 2, ["y"] 1` {
		t.Errorf("counted %v", got)
	}
}

func counted(all []port.Count) string {
	texts := make([]string, len(all))
	for i, c := range all {
		texts[i] = fmt.Sprint(c.Key, " ", c.N)
	}
	return strings.Join(texts, ", ")
}

// countLast: what is no date is not later than one.
func countLast(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "e": "x", "d": {"$date": "2026-03-31T12:00:00.001Z"}}`, `{"_id": 2, "e": "x", "d": {"$date": "2026-03-31T12:00:00Z"}}`, `{"_id": 3, "e": "x", "d": "2027-01-01T00:00:00Z"}`,
		`{"_id": 4, "e": "x", "d": true}`, `{"_id": 5, "e": "x"}`, `{"_id": 6, "e": "y", "d": null}`, `{"_id": 7, "e": "y"}`)
	got := value(w.Documents.Count(background(), port.Group{Collection: things, By: []string{"e"}, Last: "d"}))(t)
	if len(got) != 2 || got[0].N != 5 || !got[0].Last.Equal(time.UnixMilli(1774958400001)) || !got[1].Last.IsZero() {
		t.Errorf("counted %v", got)
	}
}

func countSince(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "d": {"$date": "2026-03-31T12:00:00Z"}}`, `{"_id": 2, "d": {"$date": "2026-03-31T12:00:00.001Z"}}`,
		`{"_id": 3, "d": null}`, `{"_id": 4}`, `{"_id": 5, "d": "2027-01-01T00:00:00Z"}`, `{"_id": 6, "d": [{"$date": "2027-01-01T00:00:00Z"}]}`, `{"_id": 7, "d": 1900000000000}`)
	since := map[string]time.Time{"d": time.UnixMilli(1774958400001)}
	got := value(w.Documents.Count(background(), port.Group{Collection: things, Since: since, By: []string{"_id"}}))(t)
	if len(got) != 2 || got[0].Key[0] != number(2) || got[1].Key[0] != number(6) {
		t.Errorf("counted %v, want 2 and 6", got)
	}
	got = value(w.Documents.Count(background(), port.Group{Collection: things, Since: since, Any: map[string][]string{"d": {"null"}}}))(t)
	if len(got) != 0 {
		t.Errorf("counted %v of what is missing", got)
	}
}

func countMissing(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": null}`, `{"_id": 2}`, `{"_id": 3, "a": 1}`)
	got := value(w.Documents.Count(background(), port.Group{Collection: things, By: []string{"a", "_id"}}))(t)
	if len(got) != 3 || got[0].Key[0] != "null" || got[1].Key[0] != "null" {
		t.Errorf("counted %v, want two of null", got)
	}
	got = value(w.Documents.Count(background(), port.Group{Collection: things, By: []string{"a"}}))(t)
	if len(got) != 2 || got[0].Key[0] != "null" || got[0].N != 2 {
		t.Errorf("counted %v, want null twice", got)
	}
}
