package worldtest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"domctl.dev/internal/port"
)

const updateOne = "MongoDB manual, db.collection.updateOne"

func writeCases() []Case {
	return []Case{
		{Name: "InsertOne/Reads", Source: "MongoDB manual, db.collection.insertOne", run: insertReads},
		{Name: "InsertOne/TakenID", Source: "MongoDB manual, db.collection.insertOne, duplicate key", run: insertTaken},
		{Name: "InsertOne/DottedName", Source: "MongoDB manual, Field Names with Periods and Dollar Signs", run: insertDotted},
		{Name: "UpdateOne/Condition", Source: updateOne, run: condition},
		{Name: "UpdateOne/MustNotExist", Source: "MongoDB manual, $exists", run: mustNotExist},
		{Name: "UpdateOne/NumbersAcrossTypes", Source: "MongoDB manual, Comparison/Sort Order", run: conditionNumbers},
		{Name: "UpdateOne/NullIsNotMissing", Source: "MongoDB manual, Query for Null or Missing Fields", run: nullNotMissing},
		{Name: "UpdateOne/ArrayIsWhole", Source: "MongoDB manual, Query an Array, match an array", run: arrayWhole},
		{Name: "UpdateOne/KeyOrderOfLeaves", Source: "MongoDB manual, Match an Embedded/Nested Document", run: leafOrder},
		{Name: "UpdateOne/SetMakesParents", Source: "MongoDB manual, $set, embedded documents", run: setParents},
		{Name: "UpdateOne/UnsetKeepsParent", Source: "MongoDB manual, $unset", run: unsetParent},
		{Name: "UpdateOne/FieldOrderIsKept", Source: "MongoDB manual, Documents, field order", run: fieldOrder},
		{Name: "UpdateOne/MatchedUnchanged", Source: updateOne + ", matchedCount", run: matchedUnchanged},
		{Name: "UpdateOne/WholeDocument", Source: "MongoDB manual, $set", run: wholeDocument},
		{Name: "UpdateOne/OneOfTwoWriters", Source: "MongoDB manual, Atomicity and Transactions", run: twoWriters},
		{Name: "DeleteOne/Condition", Source: "MongoDB manual, db.collection.deleteOne", run: deleteOne},
	}
}

func insertReads(t *testing.T, w World) {
	d := port.Document{"_id": `{"$oid":"0123456789abcdef01234567"}`, "namespace": `"common"`, "a.b": number(1), "a.c": `[{"x":null}]`, "e": `{}`}
	must(t, w.Documents.InsertOne(background(), things, d))
	same(t, find(t, w, port.Query{})[0], d)
}

func insertTaken(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": "first"}`)
	for _, id := range []string{number(1), `{"$numberDouble":"1.0"}`} {
		err := w.Documents.InsertOne(background(), things, port.Document{"_id": id, "a": `"second"`})
		if !errors.Is(err, port.ErrDuplicate) {
			t.Errorf("inserting _id %s: %v, want ErrDuplicate", id, err)
		}
	}
	same(t, find(t, w, port.Query{})[0], port.Document{"_id": number(1), "a": `"first"`})
}

func insertDotted(t *testing.T, w World) {
	d := port.Document{"_id": number(1), `labels."example.com/x"`: `"y"`}
	must(t, w.Documents.InsertOne(background(), things, d))
	same(t, find(t, w, port.Query{})[0], d)
}

func condition(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": "a", "n": {"x": "old"}, "k": 1}`, `{"_id": "b", "n": {"x": "old"}, "k": 1}`)
	miss(t, w, port.Document{"_id": `"a"`, "n.x": `"other"`})
	miss(t, w, port.Document{"_id": `"none"`})
	miss(t, w, port.Document{"_id": `"a"`, "n.x": `"old"`, "k": number(2)})
	update(t, w, port.Document{"_id": `"a"`, "n.x": `"old"`, "k": number(1)}, port.Document{"n.x": `"young"`})
	miss(t, w, port.Document{"_id": `"a"`, "n.x": `"old"`})
	for _, d := range find(t, w, port.Query{}) {
		want := map[string]string{`"a"`: `"young"`, `"b"`: `"old"`}[d["_id"]]
		same(t, d, port.Document{"_id": d["_id"], "n.x": want, "k": number(1)})
	}
}

func mustNotExist(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": null, "b": {}}`)
	miss(t, w, port.Document{"_id": number(1), "a": ""})
	miss(t, w, port.Document{"_id": number(1), "b": ""})
	update(t, w, port.Document{"_id": number(1), "b.c": "", "d": "", "e.f": ""}, port.Document{"d": `true`})
	miss(t, w, port.Document{"_id": number(1), "d": ""})
}

func conditionNumbers(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "n": 3, "m": {"$numberDouble": "2.5"}}`)
	miss(t, w, port.Document{"_id": number(1), "n": `"3"`})
	miss(t, w, port.Document{"_id": number(1), "n": `{"$numberDouble":"3.5"}`})
	update(t, w, port.Document{"_id": `{"$numberLong":"1"}`, "n": `{"$numberDouble":"3.0"}`}, port.Document{"x": `true`})
	if d := find(t, w, port.Query{})[0]; d["n"] != number(3) || d["_id"] != number(1) {
		t.Errorf("a condition changed a type: %v", d)
	}
}

func nullNotMissing(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": null}`)
	miss(t, w, port.Document{"_id": number(1), "b": `null`})
	update(t, w, port.Document{"_id": number(1), "a": `null`}, port.Document{"x": `true`})
}

func arrayWhole(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "tags": ["a", "b"]}`)
	miss(t, w, port.Document{"_id": number(1), "tags": `"a"`})
	miss(t, w, port.Document{"_id": number(1), "tags": `["b","a"]`})
	update(t, w, port.Document{"_id": number(1), "tags": `["a","b"]`}, port.Document{"tags": `["c"]`})
	same(t, find(t, w, port.Query{})[0], port.Document{"_id": number(1), "tags": `["c"]`})
}

// leafOrder: what a read showed with sorted keys meets the stored order again.
func leafOrder(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "list": [{"z": 1, "a": 2}], "sub": {"z": 1, "a": 2}}`)
	leaf := find(t, w, port.Query{})[0]["list"]
	update(t, w, port.Document{"_id": number(1), "list": leaf, "sub": `{"a":{"$numberInt":"2"},"z":{"$numberInt":"1"}}`}, port.Document{"x": `true`})
	stored := w.Put.Stored(t, things, number(1))
	want := `{"_id":{"$numberInt":"1"},"list":[{"z":{"$numberInt":"1"},"a":{"$numberInt":"2"}}],"sub":{"z":{"$numberInt":"1"},"a":{"$numberInt":"2"}},"x":true}`
	if stored != want {
		t.Errorf("stored %s\n  want %s", stored, want)
	}
}

func setParents(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": {"k": 1}}`)
	update(t, w, port.Document{"_id": number(1)}, port.Document{"a.b.c": number(2), "d.e": number(3)})
	same(t, find(t, w, port.Query{})[0], port.Document{"_id": number(1), "a.k": number(1), "a.b.c": number(2), "d.e": number(3)})
}

func unsetParent(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": {"b": 1}, "c": 2}`)
	update(t, w, port.Document{"_id": number(1), "a.b": number(1)}, nil, "a.b", "none.such")
	same(t, find(t, w, port.Query{})[0], port.Document{"_id": number(1), "a": `{}`, "c": number(2)})
}

func fieldOrder(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "z": 1, "m": {"y": 1, "b": 1}, "a": 1}`)
	update(t, w, port.Document{"_id": number(1)}, port.Document{"m.b": `"set"`, "a": `"set"`, "m.a": `"added"`}, "z")
	stored := w.Put.Stored(t, things, number(1))
	want := `{"_id":{"$numberInt":"1"},"m":{"y":{"$numberInt":"1"},"b":"set","a":"added"},"a":"set"}`
	if stored != want {
		t.Errorf("stored %s\n  want %s", stored, want)
	}
}

func matchedUnchanged(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": 1}`)
	update(t, w, port.Document{"_id": number(1)}, port.Document{"a": number(1)})
	update(t, w, port.Document{"_id": number(1)}, nil, "none")
}

// wholeDocument is how a field whose name holds a dot is written.
func wholeDocument(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "labels": {"z": "1", "example.com/x": "y"}}`)
	where := port.Document{"_id": number(1), "labels": `{"example.com/x":"y","z":"1"}`}
	update(t, w, where, port.Document{"labels": `{"example.com/x":"new"}`})
	same(t, find(t, w, port.Query{})[0], port.Document{"_id": number(1), `labels."example.com/x"`: `"new"`})
	miss(t, w, where)
}

func twoWriters(t *testing.T, w World) {
	second := w.Second
	if second == nil {
		second = w.Documents
	}
	const rounds = 10
	w.Put.Documents(t, things, `{"_id": 1, "n": 0}`)
	for round := range rounds {
		var won atomic.Int32
		var all sync.WaitGroup
		for i, client := range []port.Documents{w.Documents, second, w.Documents, second} {
			all.Go(func() {
				ok, err := client.UpdateOne(background(), things, port.Document{"_id": number(1), "n": number(round)},
					port.Document{"n": number(round + 1), "by": fmt.Sprintf(`"%d"`, i)}, nil)
				if err != nil {
					t.Error(err)
				} else if ok {
					won.Add(1)
				}
			})
		}
		all.Wait()
		if won.Load() != 1 {
			t.Fatalf("round %d: %d writers won", round, won.Load())
		}
	}
}

func deleteOne(t *testing.T, w World) {
	w.Put.Documents(t, things, `{"_id": 1, "a": 1}`, `{"_id": 2, "a": 1}`)
	miss(t, w, port.Document{"_id": number(1), "a": number(2)})
	where := port.Document{"_id": number(1), "a": number(1)}
	if !value(w.Documents.DeleteOne(background(), things, where))(t) {
		t.Fatal("nothing was deleted")
	}
	wantIDs(t, find(t, w, port.Query{}), number(2))
	miss(t, w, where)
}
