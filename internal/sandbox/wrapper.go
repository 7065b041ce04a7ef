package sandbox

import (
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
)

// unwrap turns {"$oid": …} and its like into the value meant. A document whose
// first field starts with "$" and is no wrapper stays a document.
func unwrap(v value) (value, error) {
	name, arg := v.kids[0].name, v.kids[0].value
	convert := wrapperOf(name)
	if convert == nil {
		return v, nil
	}
	if len(v.kids) > 1 && name != "$code" && name != "$scope" {
		return v, fmt.Errorf("%s stands alone in its braces", name)
	}
	if name == "$code" || name == "$scope" {
		arg = v
	}
	out, err := convert(arg)
	if err != nil {
		return v, fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

func wrapperOf(name string) func(value) (value, error) {
	switch name {
	case "$numberInt":
		return integer(int32s, 32)
	case "$numberLong":
		return integer(int64s, 64)
	case "$numberDouble":
		return text(doubleValue)
	case "$numberDecimal":
		return text(decimalValue)
	case "$oid":
		return text(oidValue)
	case "$date":
		return dateValue
	case "$uuid":
		return text(uuidValue)
	case "$binary":
		return binaryValue
	case "$timestamp", "$regularExpression", "$dbPointer":
		return shaped(name)
	case "$code", "$scope":
		return codeValue
	case "$symbol", "$minKey", "$maxKey", "$undefined":
		return func(v value) (value, error) { return wrapped(name, v), nil }
	}
	return nil
}

func wrapped(name string, v value) value {
	b := v.appendInner([]byte(`{"` + name + `":`))
	return value{kind: other, text: string(b) + "}"}
}

// appendInner writes what stands inside a wrapper: keys sorted, numbers plain.
func (v value) appendInner(b []byte) []byte {
	switch {
	case v.numeric():
		return append(b, v.text...)
	case v.kind == document:
		kids := slices.Clone(v.kids)
		slices.SortFunc(kids, func(a, b field) int { return strings.Compare(a.name, b.name) })
		return value{kids: kids}.appendKids(b, '{', '}', value.appendInner)
	}
	return v.appendCanonical(b)
}

var errString = errors.New("takes a string")

// text adapts a conversion of a Go string.
func text(convert func(string) (value, error)) func(value) (value, error) {
	return func(v value) (value, error) {
		s, ok := v.str()
		if !ok {
			return v, errString
		}
		return convert(s)
	}
}

func (v value) str() (string, bool) {
	if v.kind != literal || v.text[0] != '"' {
		return "", false
	}
	return unquote(v.text), true
}

func integer(k kind, bits int) func(value) (value, error) {
	return text(func(s string) (value, error) {
		n, err := strconv.ParseInt(s, 10, bits)
		if err != nil {
			return value{}, fmt.Errorf("%q is not a whole number of %d bits", s, bits)
		}
		return value{kind: k, text: strconv.FormatInt(n, 10)}, nil
	})
}

func doubleValue(s string) (value, error) {
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return value{}, fmt.Errorf("%q is not a 64-bit floating point number", s)
	}
	return value{kind: doubles, text: port.DoubleText(f)}, nil
}

func oidValue(s string) (value, error) {
	if len(s) != 24 || strings.Trim(s, "0123456789abcdefABCDEF") != "" {
		return value{}, fmt.Errorf("%q is not 24 hexadecimal digits", s)
	}
	return value{kind: objectID, text: strings.ToLower(s)}, nil
}

func dateValue(v value) (value, error) {
	if v.kind == int64s || v.kind == int32s {
		return value{kind: date, text: v.text}, nil
	}
	s, ok := v.str()
	if !ok {
		return v, errors.New(`takes a time like "2026-03-31T12:00:00Z" or {"$numberLong": "<milliseconds>"}`)
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return v, fmt.Errorf(`%q is not a time like "2026-03-31T12:00:00Z"`, s)
	}
	return value{kind: date, text: strconv.FormatInt(t.UnixMilli(), 10)}, nil
}

func uuidValue(s string) (value, error) {
	b, err := hex.DecodeString(strings.ReplaceAll(s, "-", ""))
	if err != nil || len(b) != 16 {
		return value{}, fmt.Errorf("%q is not a UUID", s)
	}
	return binary(b, "04"), nil
}

func binary(b []byte, subType string) value {
	return value{kind: other, text: `{"$binary":{"base64":"` + base64.StdEncoding.EncodeToString(b) + `","subType":"` + subType + `"}}`}
}

func binaryValue(v value) (value, error) {
	data, ok1 := v.getStr("base64")
	sub, ok2 := v.getStr("subType")
	b, err := base64.StdEncoding.DecodeString(data)
	n, err2 := strconv.ParseUint(sub, 16, 8)
	if !ok1 || !ok2 || err != nil || err2 != nil || len(v.kids) != 2 {
		return v, errors.New(`takes {"base64": "…", "subType": "00"}`)
	}
	return binary(b, fmt.Sprintf("%02x", n)), nil
}

func (v value) getStr(name string) (string, bool) {
	f, _ := v.get(name)
	if f.text == "" {
		return "", false
	}
	return f.str()
}

// shaped wrappers hold a document of fixed fields.
func shaped(name string) func(value) (value, error) {
	want := map[string][]string{
		"$timestamp":         {"t", "i"},
		"$regularExpression": {"pattern", "options"},
		"$dbPointer":         {"$ref", "$id"},
	}[name]
	return func(v value) (value, error) {
		for _, w := range want {
			if _, ok := v.get(w); !ok || len(v.kids) != len(want) {
				return v, fmt.Errorf("takes a document of %s", strings.Join(want, " and "))
			}
		}
		return wrapped(name, v), nil
	}
}

func codeValue(v value) (value, error) {
	code, ok := v.getStr("$code")
	scope, scoped := v.get("$scope")
	if !ok || scoped && scope.kind != document || len(v.kids) > 2 || len(v.kids) == 2 && !scoped {
		return v, errors.New(`takes a string, beside it at most "$scope" with a document`)
	}
	out := `{"$code":` + quote(code)
	if scoped {
		out += `,"$scope":` + scope.canonical()
	}
	return value{kind: other, text: out + "}"}, nil
}
