package world

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// codec maps one field of a kind onto a document. read answers fields below
// path; write puts the document's paths into out.
type codec struct {
	read  func(raw planner.Raw, doc, path string, out map[string]schema.Value)
	write func(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value)
}

// codecFor chooses by the field's type in the schema.
func codecFor(f schema.Field) codec {
	switch f.Type {
	case schema.Int, schema.Number:
		return codec{readNumber, writeNumber}
	case schema.Bytes:
		return codec{readBytes, writeBytes}
	case schema.Set:
		return codec{readSet, writeAny}
	case schema.Any, schema.List:
		return codec{readAny, writeAny}
	}
	return codec{readPlain, writePlain}
}

func readPlain(raw planner.Raw, doc, path string, out map[string]schema.Value) {
	if v := raw.At(doc); v.Is != schema.Absent && v.Text != "null" {
		out[path] = v
	}
}

func writePlain(_ planner.Raw, doc string, v schema.Value, out map[string]schema.Value) { out[doc] = v }

func readNumber(raw planner.Raw, doc, path string, out map[string]schema.Value) {
	readAny(raw, doc, path, out)
}

// writeNumber keeps the number type that stands there; a new one is an int32
// where it is whole and fits, else a double.
func writeNumber(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) {
	if v.Is == schema.Known {
		v.Text = extendedNumber(v.Text, raw.At(doc).Text)
	}
	out[doc] = v
}

// readBytes reads {value, unit} or {value, units}.
func readBytes(raw planner.Raw, doc, path string, out map[string]schema.Value) {
	value, unit := raw.At(doc+".value"), raw.At(unitPath(raw, doc))
	if value.Is == schema.Absent {
		return
	}
	text := plainJSON(value.Text) + unit.Str()
	if n, err := schema.ParseBytes(text); err == nil {
		text = schema.CanonicalBytes(n)
	}
	out[path] = schema.JSON(text)
}

func unitPath(raw planner.Raw, doc string) string {
	if raw.At(doc+".units").Is != schema.Absent {
		return doc + ".units"
	}
	return doc + ".unit"
}

func writeBytes(raw planner.Raw, doc string, v schema.Value, out map[string]schema.Value) {
	if v.Is != schema.Known {
		out[doc] = v
		return
	}
	s := v.Str()
	unit := strings.TrimLeft(s, "0123456789.")
	out[doc+".value"] = schema.Value{Is: schema.Known, Text: extendedNumber(strings.TrimSuffix(s, unit), raw.At(doc+".value").Text)}
	out[unitPath(raw, doc)] = schema.JSON(unit)
}

func readSet(raw planner.Raw, doc, path string, out map[string]schema.Value) {
	v := raw.At(doc)
	if v.Is == schema.Absent || v.Text == "null" {
		return
	}
	out[path] = schema.Value{Is: schema.Known, Text: plainJSON(v.Text)}
	if list := out[path].Strings(); list != nil {
		out[path] = schema.JSON(slices.Sorted(slices.Values(list)))
	}
}

func readAny(raw planner.Raw, doc, path string, out map[string]schema.Value) {
	if v := raw.At(doc); v.Is != schema.Absent && v.Text != "null" {
		out[path] = schema.Value{Is: schema.Known, Text: plainJSON(v.Text)}
	}
}

func writeAny(_ planner.Raw, doc string, v schema.Value, out map[string]schema.Value) {
	if v.Is == schema.Known {
		v.Text = extendedJSON(v.Text)
	}
	out[doc] = v
}

// readMap answers one field a key of the document's map.
func readMap(raw planner.Raw, doc, path string, out map[string]schema.Value) {
	members := map[string]any{}
	if json.Unmarshal([]byte(plainJSON(raw.At(doc).Text)), &members) != nil {
		return
	}
	for k, v := range members {
		out[path+"."+schema.JoinPath(k)] = schema.JSON(v)
	}
}

// writeMap writes a map whole: its keys can hold dots, which no path can.
func writeMap(raw planner.Raw, doc string, keys map[string]schema.Value, out map[string]schema.Value) {
	members := map[string]any{}
	_ = json.Unmarshal([]byte(plainJSON(raw.At(doc).Text)), &members)
	for k, v := range keys {
		delete(members, k)
		if v.Is == schema.Known {
			members[k] = json.RawMessage(v.Text)
		}
	}
	if len(members) == 0 {
		out[doc] = schema.Value{}
		return
	}
	out[doc] = schema.Value{Is: schema.Known, Text: extendedJSON(schema.JSON(members).Text)}
}

// plainJSON turns Extended JSON into the JSON that files hold: numbers become
// numbers, ids and dates their text. Keys are sorted.
func plainJSON(text string) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return text
	}
	return schema.JSON(plain(v)).Text
}

func plain(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case map[string]any:
		if len(v) == 1 {
			for k, inner := range v {
				if s, ok := inner.(string); ok && k[0] == '$' {
					return plainScalar(k, s)
				}
			}
		}
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plain(v[k])
		}
		return out
	}
	return v
}

func plainScalar(op, s string) any {
	switch op {
	case "$numberInt", "$numberLong":
		return json.Number(s)
	case "$numberDouble", "$numberDecimal":
		if f, err := strconv.ParseFloat(s, 64); err == nil {
			return f
		}
	}
	return s
}

// extendedJSON writes plain JSON as canonical Extended JSON.
func extendedJSON(text string) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	if dec.Decode(&v) != nil {
		return text
	}
	return schema.JSON(extended(v)).Text
}

func extended(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.RawMessage(extendedNumber(v.String(), ""))
	case []any:
		out := slices.Clone(v)
		for i := range out {
			out[i] = extended(out[i])
		}
		return out
	case map[string]any:
		out := maps.Clone(v)
		for k := range out {
			out[k] = extended(out[k])
		}
		return out
	}
	return v
}

// extendedNumber writes a decimal as Extended JSON, in the type that like has.
func extendedNumber(n, like string) string {
	typ := ""
	if strings.HasPrefix(like, `{"$number`) {
		typ = strings.Split(like, `"`)[1]
	}
	i, err := strconv.ParseInt(n, 10, 64)
	switch {
	case err != nil && typ != "$numberDecimal" || typ == "$numberDouble":
		f, _ := strconv.ParseFloat(n, 64)
		return `{"$numberDouble":"` + doubleText(f) + `"}`
	case typ == "":
		if typ = "$numberInt"; i != int64(int32(i)) {
			typ = "$numberLong"
		}
	case typ == "$numberInt" && i != int64(int32(i)):
		typ = "$numberLong"
	}
	return fmt.Sprintf(`{%q:%q}`, typ, n)
}

// doubleText is how canonical Extended JSON writes a double: always with a
// fraction or an exponent.
func doubleText(f float64) string {
	s := strconv.FormatFloat(f, 'G', -1, 64)
	if !strings.ContainsAny(s, ".E") {
		s += ".0"
	}
	return s
}
