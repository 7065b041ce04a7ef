package sandbox

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// kind is a BSON type as far as the sandbox tells types apart.
type kind uint8

const (
	document kind = iota
	array
	literal // a string, boolean or null: text is its JSON
	int32s  // text is the decimal number
	int64s
	doubles
	decimals
	objectID // text is 24 hexadecimal digits
	date     // text is milliseconds since 1970
	other    // text is the whole canonical Extended JSON
)

// value is one BSON value. It never changes once made, so that states share it.
type value struct {
	kind kind
	text string
	kids []field // a document's fields in their order, or an array's elements
}

type field struct {
	name  string
	value value
}

func (k kind) wrapper() string {
	return [...]string{int32s: "$numberInt", int64s: "$numberLong", doubles: "$numberDouble", decimals: "$numberDecimal", objectID: "$oid"}[k]
}

// canonical is the value's Extended JSON v2 in canonical form, keys sorted at
// every depth, no white space.
func (v value) canonical() string {
	if v.kind == literal || v.kind == other {
		return v.text
	}
	return string(v.appendCanonical(nil))
}

func (v value) appendCanonical(b []byte) []byte {
	switch v.kind {
	case literal, other:
		return append(b, v.text...)
	case date:
		return append(append(append(b, `{"$date":{"$numberLong":"`...), v.text...), `"}}`...)
	case array:
		return v.appendKids(b, '[', ']', value.appendCanonical)
	case document:
		v.kids = slices.Clone(v.kids)
		slices.SortStableFunc(v.kids, func(a, b field) int { return strings.Compare(a.name, b.name) })
		return v.appendKids(b, '{', '}', value.appendCanonical)
	}
	return v.appendWrapped(b)
}

func (v value) appendWrapped(b []byte) []byte {
	b = append(append(append(b, `{"`...), v.kind.wrapper()...), `":"`...)
	return append(append(b, v.text...), `"}`...)
}

// appendPlain writes the value as the file has it: what JSON can tell apart
// without a wrapper stands plain, fields keep their order.
func (v value) appendPlain(b []byte) []byte {
	switch {
	case v.kind == array:
		return v.appendKids(b, '[', ']', value.appendPlain)
	case v.kind == document:
		return v.appendKids(b, '{', '}', value.appendPlain)
	case v.kind == int32s || v.kind == doubles && fractional(v.text):
		return append(b, v.text...)
	case v.kind == date:
		return appendDate(b, v.text)
	}
	return v.appendCanonical(b)
}

func (v value) appendKids(b []byte, open, end byte, each func(value, []byte) []byte) []byte {
	b = append(b, open)
	for i, k := range v.kids {
		if i > 0 {
			b = append(b, ',')
		}
		if open == '{' {
			b = append(append(b, quote(k.name)...), ':')
		}
		b = each(k.value, b)
	}
	return append(b, end)
}

// fractional numbers stay doubles in any JSON tool; 3.0 would become 3.
func fractional(text string) bool {
	f, err := strconv.ParseFloat(text, 64)
	return err == nil && f != float64(int64(f)) && !strings.ContainsAny(text, "EIN")
}

func appendDate(b []byte, ms string) []byte {
	n, _ := strconv.ParseInt(ms, 10, 64)
	t := time.UnixMilli(n).UTC()
	if n < 0 || t.Year() > 9999 {
		return value{kind: date, text: ms}.appendCanonical(b)
	}
	return append(append(append(b, `{"$date":"`...), t.Format("2006-01-02T15:04:05.999Z")...), `"}`...)
}

// get finds a field of a document.
func (v value) get(name string) (value, bool) {
	if v.kind == document {
		for i := range v.kids {
			if v.kids[i].name == name {
				return v.kids[i].value, true
			}
		}
	}
	return value{}, false
}

// at follows a path through documents; arrays are leaves.
func (v value) at(path []string) (value, bool) {
	for _, s := range path {
		next, ok := v.get(s)
		if !ok {
			return value{}, false
		}
		v = next
	}
	return v, true
}

// leaves adds every leaf at or below the prefix to d.
func (v value) leaves(prefix string, d port.Document) {
	if v.kind != document || len(v.kids) == 0 {
		d[prefix] = v.canonical()
		return
	}
	for _, k := range v.kids {
		path := segment(k.name)
		if prefix != "" {
			path = prefix + "." + path
		}
		k.value.leaves(path, d)
	}
}

// flatten is the port's view of a whole document: _id is one leaf whatever its
// type.
func (v value) flatten() port.Document {
	d := make(port.Document, len(v.kids))
	for _, k := range v.kids {
		if k.name == "_id" {
			d["_id"] = k.value.canonical()
		} else {
			k.value.leaves(segment(k.name), d)
		}
	}
	return d
}

func segment(name string) string { return schema.JoinPath(name) }

// quote writes a string as encoding/json does without HTML escapes.
func quote(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf {
			return slowQuote(s)
		}
	}
	return `"` + s + `"`
}

func slowQuote(s string) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string always encodes
	return strings.TrimSuffix(b.String(), "\n")
}

func unquote(token string) string {
	if strings.IndexByte(token, '\\') < 0 {
		return token[1 : len(token)-1]
	}
	return slowUnquote(token)
}

func slowUnquote(token string) (s string) {
	_ = json.Unmarshal([]byte(token), &s) // the parser has read it
	return s
}
