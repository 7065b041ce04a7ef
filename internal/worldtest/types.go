package worldtest

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

// bsonTypes is for each type a value as a document holds it and as a leaf shows it.
func bsonTypes() map[string][2]string {
	return map[string][2]string{
		"int32":          {`{"$numberInt": "-25"}`, `{"$numberInt":"-25"}`},
		"int64":          {`{"$numberLong": "25"}`, `{"$numberLong":"25"}`},
		"int64Large":     {`{"$numberLong": "9223372036854775807"}`, `{"$numberLong":"9223372036854775807"}`},
		"double":         {`{"$numberDouble": "2.5"}`, `{"$numberDouble":"2.5"}`},
		"doubleWhole":    {`{"$numberDouble": "3.0"}`, `{"$numberDouble":"3.0"}`},
		"doubleZero":     {`{"$numberDouble": "-0.0"}`, `{"$numberDouble":"-0.0"}`},
		"doubleLarge":    {`{"$numberDouble": "1E+21"}`, `{"$numberDouble":"1E+21"}`},
		"doubleSmall":    {`{"$numberDouble": "1e-7"}`, `{"$numberDouble":"1E-07"}`},
		"doubleNaN":      {`{"$numberDouble": "NaN"}`, `{"$numberDouble":"NaN"}`},
		"doubleInfinite": {`{"$numberDouble": "-Infinity"}`, `{"$numberDouble":"-Infinity"}`},
		"decimal":        {`{"$numberDecimal": "2.50"}`, `{"$numberDecimal":"2.50"}`},
		"decimalLarge":   {`{"$numberDecimal": "1E+3"}`, `{"$numberDecimal":"1E+3"}`},
		"string":         {`"plain"`, `"plain"`},
		"stringMarked":   {`"<a href=\"x\">&amp;</a> \u00e9 \n \u2028"`, `"<a href=\"x\">&amp;</a> é \n \u2028"`},
		"stringEmpty":    {`""`, `""`},
		"bool":           {`false`, `false`},
		"null":           {`null`, `null`},
		"date":           {`{"$date": {"$numberLong": "1774958400123"}}`, `{"$date":{"$numberLong":"1774958400123"}}`},
		"dateBefore1970": {`{"$date": {"$numberLong": "-1"}}`, `{"$date":{"$numberLong":"-1"}}`},
		"objectId":       {`{"$oid": "0123456789abcdef01234567"}`, `{"$oid":"0123456789abcdef01234567"}`},
		"binary":         {`{"$binary": {"base64": "AQI=", "subType": "00"}}`, `{"$binary":{"base64":"AQI=","subType":"00"}}`},
		"timestamp":      {`{"$timestamp": {"t": 5, "i": 1}}`, `{"$timestamp":{"i":1,"t":5}}`},
		"regex":          {`{"$regularExpression": {"pattern": "^a", "options": "i"}}`, `{"$regularExpression":{"options":"i","pattern":"^a"}}`},
		"array":          {`[1, [2.5], {"b": "x", "a": null}]`, `[{"$numberInt":"1"},[{"$numberDouble":"2.5"}],{"a":null,"b":"x"}]`},
		"arrayEmpty":     {`[]`, `[]`},
		"document":       {`{}`, `{}`},
	}
}

func typeCases() (cases []Case) {
	const source = "MongoDB Extended JSON (v2); BSON specification"
	types := bsonTypes()
	for _, name := range slices.Sorted(maps.Keys(types)) {
		v := types[name]
		cases = append(cases, Case{Name: "Types/" + name, Source: source, run: func(t *testing.T, w World) { keepsType(t, w, v[0], v[1]) }})
	}
	return cases
}

// keepsType reads a value, writes beside it, sets it elsewhere as it was read,
// and finds both by condition.
func keepsType(t *testing.T, w World, stored, leaf string) {
	w.Put.Documents(t, things, `{"_id": 1, "v": `+stored+`, "beside": 1}`)
	got := find(t, w, port.Query{})[0]["v"]
	if got != leaf {
		t.Fatalf("read %s, want %s", got, leaf)
	}
	update(t, w, port.Document{"_id": number(1), "v": leaf}, port.Document{"beside": number(2), "copy": leaf})
	d := find(t, w, port.Query{})[0]
	if d["v"] != leaf || d["copy"] != leaf {
		t.Errorf("after the write v is %s and copy is %s, want %s", d["v"], d["copy"], leaf)
	}
	update(t, w, port.Document{"_id": number(1), "copy": leaf}, port.Document{"v": number(0)})
	must(t, w.Documents.InsertOne(background(), things, port.Document{"_id": number(2), "v": leaf}))
	for _, d := range find(t, w, port.Query{}) {
		if d["_id"] == number(2) && d["v"] != leaf {
			t.Errorf("after the insert v is %s, want %s", d["v"], leaf)
		}
	}
	if s := w.Put.Stored(t, things, number(1)); !strings.Contains(s, `"beside":{"$numberInt":"2"}`) {
		t.Errorf("stored is %s", s)
	}
}

// update expects a match.
func update(t *testing.T, w World, where, set port.Document, unset ...string) {
	t.Helper()
	if !value(w.Documents.UpdateOne(background(), things, where, set, unset))(t) {
		t.Fatalf("nothing matches %v", where)
	}
}

// miss expects none.
func miss(t *testing.T, w World, where port.Document) {
	t.Helper()
	before := find(t, w, port.Query{})
	if value(w.Documents.UpdateOne(background(), things, where, port.Document{"touched": `true`}, nil))(t) {
		t.Errorf("%v matches", where)
	}
	if value(w.Documents.DeleteOne(background(), things, where))(t) {
		t.Errorf("a delete of %v matches", where)
	}
	after := find(t, w, port.Query{})
	if len(before) != len(after) {
		t.Fatalf("%d documents became %d", len(before), len(after))
	}
	for i := range before {
		same(t, after[i], before[i])
	}
}
