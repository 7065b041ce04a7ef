package worldtest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

const dotted = "MongoDB manual, Field Names with Periods and Dollar Signs"

func refusedCases() []Case {
	return []Case{
		{Name: "Refused/NoID", Source: "MongoDB manual, db.collection.updateOne: an empty filter updates the first document", run: refusedNoID},
		{Name: "Refused/NoCollection", Source: "MongoDB manual, Naming Restrictions", run: refusedNoCollection},
		{Name: "Refused/DottedPath", Source: dotted, run: refusedDotted},
		{Name: "Refused/ImmutableID", Source: "MongoDB manual, The _id Field", run: refusedID},
		{Name: "Refused/ConflictingPaths", Source: updateOne + ", update operators on one field", run: refusedConflict},
		{Name: "Refused/ThroughScalar", Source: "MongoDB error codes, 28 PathNotViable", run: refusedThrough},
		{Name: "Refused/EmptyUpdate", Source: updateOne, run: refusedEmpty},
		{Name: "Refused/NotExtendedJSON", Source: "MongoDB Extended JSON (v2)", run: refusedJSON},
		{Name: "Refused/OrderedSearch", Source: "MongoDB manual, Match an Embedded/Nested Document, field order", run: refusedOrdered},
		{Name: "Refused/RegexSearch", Source: "MongoDB manual, $in, with a regular expression", run: refusedRegex},
		{Name: "Refused/EndedContext", Source: "package context", run: refusedContext},
	}
}

// refuse expects an error of both writes' shapes that leaves the document as
// it is.
func refuse(t *testing.T, w World, target error, where, set port.Document, unset ...string) error {
	t.Helper()
	before := w.Put.Stored(t, things, number(1))
	matched, err := w.Documents.UpdateOne(background(), things, where, set, unset)
	if err == nil || matched {
		t.Errorf("where %v set %v unset %v: matched %v, error %v; want a refusal", where, set, unset, matched, err)
	} else if target != nil && !errors.Is(err, target) {
		t.Errorf("where %v set %v unset %v: %v, want %v", where, set, unset, err, target)
	}
	if after := w.Put.Stored(t, things, number(1)); after != before {
		t.Errorf("the document became %s, it was %s", after, before)
	}
	return err
}

func refusedNoID(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": 1}`)
	for _, where := range []port.Document{nil, {}, {"a": number(1)}, {"_id": ""}} {
		refuse(t, w, port.ErrUnfiltered, where, port.Document{"a": number(2)})
		if _, err := w.Documents.DeleteOne(background(), things, where); !errors.Is(err, port.ErrUnfiltered) {
			t.Errorf("deleting where %v: %v", where, err)
		}
	}
	if err := w.Documents.InsertOne(background(), things, port.Document{"a": number(1)}); !errors.Is(err, port.ErrUnfiltered) {
		t.Errorf("inserting without an _id: %v", err)
	}
	if docs := find(t, w, port.Query{}); len(docs) != 1 {
		t.Errorf("there are %d documents", len(docs))
	}
}

func refusedNoCollection(t *testing.T, w World) {
	d := port.Document{"_id": number(1)}
	if err := w.Documents.InsertOne(background(), "", d); err == nil {
		t.Error("inserted into no collection")
	}
	if _, err := w.Documents.Find(background(), port.Query{}); err == nil {
		t.Error("found in no collection")
	}
	if _, err := w.Documents.UpdateOne(background(), "", d, d, nil); err == nil {
		t.Error("updated in no collection")
	}
}

func refusedDotted(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "labels": {"a.b": "x", "a": {"b": "y"}}}`)
	id := number(1)
	for _, path := range []string{`labels."a.b"`, `"a.b"`, `labels.$x`, `$x`, `labels.""`} {
		err := refuse(t, w, port.ErrPath, port.Document{"_id": id}, port.Document{path: `"z"`})
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%v does not name %s", err, path)
		}
		refuse(t, w, port.ErrPath, port.Document{"_id": id}, nil, path)
		refuse(t, w, port.ErrPath, port.Document{"_id": id, path: `"x"`}, port.Document{"c": `"z"`})
		if _, err := w.Documents.Find(background(), port.Query{Collection: things, Any: map[string][]string{path: {`"x"`}}}); !errors.Is(err, port.ErrPath) {
			t.Errorf("finding by %s: %v", path, err)
		}
	}
}

func refusedID(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": 1}`)
	refuse(t, w, nil, port.Document{"_id": number(1)}, port.Document{"_id": number(2)})
	refuse(t, w, nil, port.Document{"_id": number(1)}, nil, "_id")
	refuse(t, w, nil, port.Document{"_id": number(1)}, port.Document{"a": number(2), "_id.x": number(2)})
}

func refusedConflict(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": {"b": 1}}`)
	id := port.Document{"_id": number(1)}
	refuse(t, w, nil, id, port.Document{"a": `{}`, "a.b": number(2)})
	refuse(t, w, nil, id, port.Document{"a.b": number(2)}, "a.b")
	refuse(t, w, nil, id, port.Document{"a.b": number(2)}, "a")
}

func refusedThrough(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "s": "text", "n": null, "list": [{"b": 1}]}`)
	for _, path := range []string{"s.x", "n.x", "list.b"} {
		refuse(t, w, nil, port.Document{"_id": number(1)}, port.Document{path: number(2)})
	}
}

func refusedEmpty(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1}`)
	refuse(t, w, nil, port.Document{"_id": number(1)}, nil)
}

func refusedJSON(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": "x"}`)
	for _, text := range []string{`{`, `x`, `{"$oid":"z"}`, `{"$numberInt":"2147483648"}`, `1 2`, ``} {
		refuse(t, w, nil, port.Document{"_id": number(1)}, port.Document{"a": text})
	}
	refuse(t, w, nil, port.Document{"_id": number(1), "a": `x`}, port.Document{"a": `"y"`})
}

// refusedOrdered: MongoDB compares the order of fields, canonical text has none.
func refusedOrdered(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": {"z": 1, "b": 2}}`, `{"_id": {"z": 1, "b": 2}}`)
	both := `{"b":{"$numberInt":"2"},"z":{"$numberInt":"1"}}`
	for _, path := range []string{"a", "_id"} {
		for _, text := range []string{both, "[" + both + "]"} {
			if docs, err := w.Documents.Find(background(), port.Query{Collection: things, Any: map[string][]string{path: {text}}}); err == nil {
				t.Errorf("searching %s for %s finds %v", path, text, docs)
			}
		}
	}
	refuse(t, w, nil, port.Document{"_id": both}, port.Document{"x": `true`})
}

func refusedRegex(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": "text"}`)
	pattern := `{"$regularExpression":{"options":"","pattern":"^t"}}`
	if docs, err := w.Documents.Find(background(), port.Query{Collection: things, Any: map[string][]string{"a": {pattern}}}); err == nil {
		t.Errorf("a pattern finds %v", docs)
	}
}

func refusedContext(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": "x"}`)
	ctx, cancel := context.WithCancel(background())
	cancel()
	if _, err := w.Documents.Find(ctx, port.Query{Collection: things}); !errors.Is(err, context.Canceled) {
		t.Errorf("a read after the end: %v", err)
	}
	if _, err := w.Documents.UpdateOne(ctx, things, port.Document{"_id": number(1)}, port.Document{"a": `"y"`}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a write after the end: %v", err)
	}
	same(t, find(t, w, port.Query{})[0], port.Document{"_id": number(1), "a": `"x"`})
}
