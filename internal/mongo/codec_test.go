package mongo

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.mongodb.org/mongo-driver/v2/bson"

	"domctl.dev/internal/port"
)

// values are canonical texts: each comes back from BSON as it was.
func values() []string {
	return []string{
		`"text"`, `""`, `"é <&> \"quoted\" \\"`, `true`, `false`, `null`,
		`{"$numberInt":"3"}`, `{"$numberInt":"-2147483648"}`, `{"$numberLong":"3"}`, `{"$numberLong":"9223372036854775807"}`,
		`{"$numberDouble":"2.5"}`, `{"$numberDouble":"3.0"}`, `{"$numberDouble":"-0.0"}`, `{"$numberDouble":"1E+21"}`,
		`{"$numberDouble":"NaN"}`, `{"$numberDouble":"-Infinity"}`, `{"$numberDecimal":"1.10"}`, `{"$numberDecimal":"1E+3"}`,
		`{"$oid":"5f3b2a1c9d8e7f6a5b4c3d2e"}`, `{"$date":{"$numberLong":"1711886400000"}}`, `{"$date":{"$numberLong":"-1"}}`,
		`{"$binary":{"base64":"AQID","subType":"00"}}`, `{"$binary":{"base64":"AAECAwQFBgcICQoLDA0ODw==","subType":"04"}}`,
		`{"$timestamp":{"i":2,"t":1}}`, `{"$regularExpression":{"options":"i","pattern":"^a\"b"}}`,
		`{"$code":"f()"}`, `{"$code":"f()","$scope":{"a":{"$numberInt":"1"}}}`, `{"$symbol":"s"}`, `{"$minKey":1}`, `{"$maxKey":1}`,
		`{"$undefined":true}`, `{"$dbPointer":{"$id":{"$oid":"5f3b2a1c9d8e7f6a5b4c3d2e"},"$ref":"a.b"}}`,
		`[]`, `[{"$numberInt":"1"},"a",null,[]]`, `{}`, `[{"a":{"$numberInt":"1"},"b":{"c":true}}]`,
	}
}

func TestValuesKeepTheirTypes(t *testing.T) {
	for _, text := range values() {
		v, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := canonical(v); err != nil || got != text {
			t.Errorf("%s comes back as %s, %v", text, got, err)
		}
	}
}

func TestADatabaseReferenceIsADocument(t *testing.T) {
	raw := rawOf(t, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: bson.A{bson.D{{Key: "$ref", Value: "c"}, {Key: "$id", Value: 5}}}}})
	d, err := flatten(raw)
	if err != nil || d["a"] != `[{"$id":{"$numberInt":"5"},"$ref":"c"}]` {
		t.Fatalf("%v, %v", d, err)
	}
}

func TestRelaxedValuesBecomeCanonical(t *testing.T) {
	for text, want := range map[string]string{
		`3`:                                  `{"$numberInt":"3"}`,
		`3.5`:                                `{"$numberDouble":"3.5"}`,
		` true`:                              `true`,
		`3000000000`:                         `{"$numberLong":"3000000000"}`,
		`{"$date":"2024-03-31T12:00:00Z"}`:   `{"$date":{"$numberLong":"1711886400000"}}`,
		`[{"b":1,"a":{"d":true,"c":false}}]`: `[{"a":{"c":false,"d":true},"b":{"$numberInt":"1"}}]`,
	} {
		v, err := parse(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got, err := canonical(v); err != nil || got != want {
			t.Errorf("%s comes back as %s, %v; want %s", text, got, err, want)
		}
	}
}

func TestValuesThatAreNone(t *testing.T) {
	for _, text := range []string{"", "canary", `"canary`, `1,"w":2`, `1}`, `{"$oid":"canary"}`, `{"$numberInt":"canary"}`, `{"$date":"canary"}`,
		`{"$binary":{"base64":"canary!","subType":"00"}}`, `{"canary":1}{}`, "\"\xff\""} {
		if v, err := parse(text); err == nil {
			t.Errorf("%q is read as %v", text, v)
		} else if strings.Contains(err.Error(), "canary") {
			t.Errorf("%q is repeated: %v", text, err)
		}
	}
}

func rawOf(t testing.TB, doc bson.D) bson.Raw {
	t.Helper()
	raw, err := bson.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestFlatten(t *testing.T) {
	raw := rawOf(t, bson.D{
		{Key: "_id", Value: bson.D{{Key: "b", Value: 1}, {Key: "a", Value: 2}}},
		{Key: "name", Value: "gpu"},
		{Key: "resources", Value: bson.D{{Key: "memory", Value: bson.D{{Key: "value", Value: int64(12)}}}, {Key: "empty", Value: bson.D{}}}},
		{Key: "labels", Value: bson.D{{Key: "example.com/x", Value: "y"}, {Key: "$odd", Value: nil}}},
		{Key: "list", Value: bson.A{bson.D{{Key: "z", Value: 1}, {Key: "a", Value: 2}}}},
	})
	d, err := flatten(raw)
	want := port.Document{
		"_id":                    `{"a":{"$numberInt":"2"},"b":{"$numberInt":"1"}}`,
		"name":                   `"gpu"`,
		"resources.memory.value": `{"$numberLong":"12"}`,
		"resources.empty":        `{}`,
		`labels."example.com/x"`: `"y"`,
		`labels.$odd`:            `null`,
		"list":                   `[{"a":{"$numberInt":"2"},"z":{"$numberInt":"1"}}]`,
	}
	if err != nil || !maps.Equal(d, want) {
		t.Fatalf("%v, %v", d, err)
	}
}

func TestWhatCannotBeKeptIsRefused(t *testing.T) {
	for name, doc := range map[string]bson.D{
		"twice":           {{Key: "a", Value: 1}, {Key: "a", Value: 2}},
		"twice below":     {{Key: "a", Value: bson.A{bson.D{{Key: "b", Value: 1}, {Key: "b", Value: 2}}}}},
		"not UTF-8":       {{Key: "a", Value: "\xff"}},
		"key not UTF-8":   {{Key: "\xff", Value: 1}},
		"inner not UTF-8": {{Key: "a", Value: bson.A{bson.D{{Key: "\xff", Value: 1}}}}},
		"too deep":        deep(maxDepth + 5),
		"like an id":      {{Key: "a", Value: bson.A{bson.D{{Key: "$oid", Value: "5f3b2a1c9d8e7f6a5b4c3d2e"}}}}},
		"like code":       {{Key: "a", Value: bson.A{bson.D{{Key: "$scope", Value: bson.D{}}, {Key: "0", Value: ""}}}}},
	} {
		if d, err := flatten(rawOf(t, doc)); err == nil {
			t.Errorf("%s is read as %v", name, d)
		}
	}
}

func deep(n int) bson.D {
	if n == 0 {
		return bson.D{{Key: "a", Value: 1}}
	}
	return bson.D{{Key: "a", Value: deep(n - 1)}}
}

func TestBuildAndFlattenAreInverse(t *testing.T) {
	d := port.Document{"_id": `"k"`, `x."a.b"`: `true`, "x.y.z": `{"$numberInt":"1"}`, "e": `{}`, "list": `[{"a":null}]`}
	doc, err := build(d)
	if err != nil || doc[0].Key != "_id" {
		t.Fatalf("%v, %v", doc, err)
	}
	if got, err := flatten(rawOf(t, doc)); err != nil || !maps.Equal(got, d) {
		t.Fatalf("%v, %v", got, err)
	}
}

func TestDocumentsThatAreNotBuilt(t *testing.T) {
	for name, c := range map[string]struct {
		d    port.Document
		want error
	}{
		"no _id":       {port.Document{"a": `1`}, port.ErrUnfiltered},
		"dollar":       {port.Document{"_id": `1`, "a.$b": `1`}, port.ErrPath},
		"empty name":   {port.Document{"_id": `1`, `a.""`: `1`}, port.ErrPath},
		"below a leaf": {port.Document{"_id": `1`, "a": `1`, "a.b": `1`}, nil},
		"twice":        {port.Document{"_id": `1`, "a": `1`, `"a"`: `1`}, nil},
		"no value":     {port.Document{"_id": `1`, "a": ``}, nil},
	} {
		doc, err := build(c.d)
		if err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, %v", name, doc, err)
		}
	}
}

func TestAWriteNeedsAnID(t *testing.T) {
	c := must(Open("mongodb://127.0.0.1:1", "domino", Options{}))
	for _, where := range []port.Document{nil, {}, {"_id": ""}, {"name": `"x"`}} {
		_, update := c.UpdateOne(t.Context(), "c", where, port.Document{"a": `1`}, nil)
		_, del := c.DeleteOne(t.Context(), "c", where)
		if !errors.Is(update, port.ErrUnfiltered) || !errors.Is(del, port.ErrUnfiltered) {
			t.Errorf("where %v: %v, %v", where, update, del)
		}
	}
	if c.client != nil {
		t.Error("a refused write connects")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func TestFilters(t *testing.T) {
	where := port.Document{"a": "", "b": "null", "c.d": `"x"`, "_id": `"k"`, "l": `[1]`}
	got := must(bson.MarshalExtJSON(filter(must(conditions(where))), false, false))
	want := `{"_id":{"$eq":"k"},"a":{"$exists":false},"b":{"$type":"null","$not":{"$type":"array"}},` +
		`"c.d":{"$eq":"x","$not":{"$type":"array"}},"l":{"$eq":[1]}}`
	if string(got) != want {
		t.Errorf("filter %s\nwant   %s", got, want)
	}
	got = must(bson.MarshalExtJSON(must(update(port.Document{"a.b": `1`}, []string{"c", "d"})), false, false))
	if want = `{"$set":{"a.b":1},"$unset":{"c":"","d":""}}`; string(got) != want {
		t.Errorf("update %s", got)
	}
	got = must(bson.MarshalExtJSON(must(anyFilter(map[string][]string{"b": {`1`, `null`}, "a": {}})), false, false))
	if want = `{"a":{"$in":[]},"b":{"$in":[1,null]}}`; string(got) != want {
		t.Errorf("any %s", got)
	}
	got = must(bson.MarshalExtJSON(must(projection([]string{"a.b", "a", "ab", "a.c"})), false, false))
	if want = `{"_id":1,"a":1,"ab":1}`; string(got) != want {
		t.Errorf("projection %s", got)
	}
}

func TestPathsThatMongoDBCannotAddress(t *testing.T) {
	for _, path := range []string{"", `labels."example.com/x"`, "a.$b", "$where", `a.""`, "a..b"} {
		_, condErr := conditions(port.Document{"_id": `1`, path: `1`})
		_, setErr := update(port.Document{path: `1`}, nil)
		_, unsetErr := update(nil, []string{path})
		_, anyErr := anyFilter(map[string][]string{path: {`1`}})
		_, fieldErr := projection([]string{path})
		for _, err := range []error{condErr, setErr, unsetErr, anyErr, fieldErr} {
			if !errors.Is(err, port.ErrPath) {
				t.Errorf("%q: %v", path, err)
			}
		}
	}
	if _, err := update(nil, nil); err == nil {
		t.Error("an update of nothing is sent")
	}
}

func TestKeepDropsWhatAProjectionBringsAlong(t *testing.T) {
	d := port.Document{"_id": `1`, "a": `{}`, "b.c": `1`, "b.cc": `1`, "d": `[{"e":1}]`, "f": `[]`}
	keep(d, []string{"a.x", "b.c", "d.e", "f"})
	if got := slices.Sorted(maps.Keys(d)); !slices.Equal(got, []string{"_id", "b.c", "f"}) {
		t.Fatalf("%v", got)
	}
}

func TestOrdered(t *testing.T) {
	for text, want := range map[string]bool{
		`1`: false, `{}`: false, `{"a":1}`: false, `{"a":1,"b":2}`: true, `[{"a":1}]`: false, `[1,{"a":[{"b":1,"c":2}]}]`: true,
	} {
		if got := ordered(must(parse(text))); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, v := range values() {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v, err := parse(text)
		if err != nil {
			return
		}
		first, err := canonical(v)
		if err != nil {
			return
		}
		again, err := parse(first)
		if err != nil {
			t.Fatalf("%q is written as %s, which cannot be read", text, first)
		}
		if second, err := canonical(again); err != nil || second != first {
			t.Fatalf("%q is written as %s, then as %s, %v", text, first, second, err)
		}
	})
}

func FuzzFlatten(f *testing.F) {
	for _, v := range values() {
		f.Add([]byte(rawOf(f, bson.D{{Key: "_id", Value: 1}, {Key: "a", Value: must(parse(v))}})))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := flatten(b)
		if err != nil || d["_id"] == "" {
			return
		}
		doc, err := build(d)
		if err != nil {
			if errors.Is(err, port.ErrPath) {
				return
			}
			t.Fatalf("%v is read but not built: %v", d, err)
		}
		again, err := flatten(rawOf(t, doc))
		if err != nil || !maps.Equal(again, d) {
			t.Fatalf("%v is built as %v, %v", d, again, err)
		}
	})
}
