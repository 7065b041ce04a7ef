package world

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

func decodeJSON(text string) (v any, ok bool) {
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return v, dec.Decode(&v) == nil
}

// plainJSON turns canonical Extended JSON into the JSON that files hold: numbers
// become numbers, ids and dates their text. Keys are sorted.
func plainJSON(text string) string {
	if text == "" || text[0] != '{' && text[0] != '[' && !isDigit(text[0]) {
		return text // a string, a truth value or null
	}
	v, ok := plainOf(text)
	if !ok {
		return text
	}
	return schema.JSON(v).Text
}

func isDigit(c byte) bool { return c == '-' || c >= '0' && c <= '9' }

// plainOf is what plain makes of Extended JSON. Most of it are ids and numbers,
// which need no decoder.
func plainOf(text string) (v any, ok bool) {
	if op, s, ok := tagged(text); ok {
		return plainScalar(op, s), true
	}
	v, ok = decodeJSON(text)
	return plain(v), ok
}

// tagged takes apart the text of {"$numberInt":"3"}.
func tagged(text string) (op, s string, ok bool) {
	inner, starts := strings.CutPrefix(text, `{"`)
	inner, ends := strings.CutSuffix(inner, `"}`)
	op, s, ok = strings.Cut(inner, `":"`)
	return op, s, ok && starts && ends && strings.HasPrefix(op, "$") && !strings.ContainsAny(op+s, `"\`)
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
		if op, s, ok := operator(v); ok {
			return plainScalar(op, s)
		}
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plain(v[k])
		}
		return out
	case json.Number:
		return plainNumber(v.String())
	}
	return v
}

// operator takes apart Extended JSON's {"$numberInt": "3"}.
func operator(v map[string]any) (op, text string, ok bool) {
	for k, inner := range v {
		if s, is := inner.(string); is && len(v) == 1 && strings.HasPrefix(k, "$") {
			return k, s, true
		}
	}
	return "", "", false
}

func plainScalar(op, s string) any {
	switch op {
	case "$numberInt", "$numberLong", "$numberDouble", "$numberDecimal":
		return plainNumber(s)
	}
	return s
}

// plainNumber goes through a double, as files do; what is no number stays text.
func plainNumber(s string) any {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return s
	}
	return f
}

// extendedJSON writes plain JSON as canonical Extended JSON.
func extendedJSON(text string) string {
	v, ok := decodeJSON(text)
	if !ok {
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

// extendedNumber writes a decimal as Extended JSON, in the type that like has
// where that can hold it.
func extendedNumber(n, like string) string {
	typ := numberType(like)
	i, err := strconv.ParseInt(n, 10, 64)
	switch {
	case typ == "$numberDecimal":
	case err != nil || typ == "$numberDouble":
		f, _ := strconv.ParseFloat(n, 64)
		return `{"$numberDouble":"` + port.DoubleText(f) + `"}`
	case typ == "$numberLong":
	case i == int64(int32(i)):
		typ = "$numberInt"
	default:
		typ = "$numberLong"
	}
	return fmt.Sprintf(`{%q:%q}`, typ, n)
}

// numberType is the operator of a number in Extended JSON, else "".
func numberType(text string) string {
	if rest, ok := strings.CutPrefix(text, `{"$number`); ok {
		kind, _, _ := strings.Cut(rest, `"`)
		return "$number" + kind
	}
	return ""
}
