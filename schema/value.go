package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"
)

// Is says what a Value is. Each place admits a subset: [d]esired, [l]ive,
// [a]pplied, [s]tep.
type Is string

// What a Value can be.
const (
	Absent  Is = ""        // dlas: not stated, not there; as a write: unset
	Known   Is = "known"   // dlas: Text is canonical JSON; of raw objects canonical Extended JSON
	Unset   Is = "unset"   // d: stated as null
	Unknown Is = "unknown" // l: cannot be known here
	Ref     Is = "ref"     // d: "amis.gpu#id", a field of another object
	Out     Is = "out"     // s: "<step>#version", known after that step
	Secret  Is = "secret"  // das: "env:NAME", resolved at the moment of the write
	Digest  Is = "digest"  // las: keyed digest of a secret
)

// Value is one field's value. It is comparable with ==; the zero Value is Absent.
type Value struct {
	Is   Is     `json:"is,omitempty"`
	Text string `json:"text,omitempty"`
}

// JSON makes a Known value of v in canonical form: sorted keys, no white
// space, numbers as encoding/json writes them. It panics on what JSON cannot
// hold, which no value of this program is.
func JSON(v any) Value {
	if s, ok := v.(string); ok {
		return Value{Known, quoteJSON(s)}
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("schema.JSON: %v", err))
	}
	return Value{Known, strings.TrimSuffix(b.String(), "\n")}
}

// Str is the Go string of a Known JSON string, else "".
func (v Value) Str() (s string) {
	if v.Is != Known || v.Text == "" || v.Text[0] != '"' {
		return ""
	}
	if !strings.Contains(v.Text, `\`) {
		return strings.Trim(v.Text, `"`) // canonical JSON without escapes
	}
	if s, ok := unquoteJSON(v.Text); ok {
		return s
	}
	_ = json.Unmarshal([]byte(v.Text), &s)
	return s
}

// Strings is the Go slice of a Known JSON list of strings, else nil.
func (v Value) Strings() (s []string) {
	if v.Is != Known || json.Unmarshal([]byte(v.Text), &s) != nil {
		return nil
	}
	return s
}

// Bool is true for a Known true.
func (v Value) Bool() bool { return v.Is == Known && v.Text == "true" }

// Float is the number of a Known JSON number.
func (v Value) Float() (f float64, ok bool) {
	if v.Is != Known || v.Text == "" || v.Text[0] != '-' && (v.Text[0] < '0' || v.Text[0] > '9') {
		return 0, false
	}
	f, err := strconv.ParseFloat(v.Text, 64)
	return f, err == nil
}

// Display renders a value for people: strings without quotes, secrets by
// reference only.
func (v Value) Display() string {
	switch v.Is {
	case Absent, Unset:
		return "(not set)"
	case Unknown:
		return "(unknown)"
	case Out:
		return "(known after apply)"
	case Secret:
		return "(secret " + v.Text + ")"
	case Digest:
		return "(secret)"
	}
	if s := v.Str(); s != "" {
		return s
	}
	return scalar(v.Text)
}

// scalar writes a scalar of Extended JSON as people know it, types apart that
// would look the same.
func scalar(text string) string {
	if !strings.HasPrefix(text, `{"$`) {
		return text
	}
	var tagged map[string]string
	if json.Unmarshal([]byte(text), &tagged) != nil || len(tagged) != 1 {
		return text
	}
	for tag, s := range tagged {
		switch tag {
		case "$numberInt", "$numberDouble", "$oid":
			return s
		case "$numberLong", "$numberDecimal":
			return s + " (" + strings.ToLower(strings.TrimPrefix(tag, "$number")) + ")"
		}
	}
	return text
}

// RefTo makes a reference to a field of another object.
func RefTo(a Address, field string) Value { return Value{Ref, a.String() + "#" + field} }

// Target splits a reference; ok is false for any other value.
func (v Value) Target() (a Address, field string, ok bool) {
	if v.Is != Ref {
		return a, "", false
	}
	addr, field, found := cutLast(v.Text, "#")
	return a, field, found && a.UnmarshalText([]byte(addr)) == nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// JoinPath writes a field path: plain segments joined by dots, a segment that
// holds anything but letters, digits, "_", "$", "-" and "*" as a JSON string
// (`labels."example.com/x"`).
func JoinPath(segments ...string) string {
	var b strings.Builder
	for i, s := range segments {
		if i > 0 {
			b.WriteByte('.')
		}
		if plain(s) {
			b.WriteString(s)
		} else {
			b.WriteString(JSON(s).Text)
		}
	}
	return b.String()
}

// SplitPath takes apart what JoinPath wrote. A malformed quote ends the path
// as one plain segment.
func SplitPath(path string) (segments []string) {
	for path != "" {
		if path[0] == '"' {
			dec := json.NewDecoder(strings.NewReader(path))
			var s string
			if dec.Decode(&s) != nil {
				return append(segments, path)
			}
			segments = append(segments, s)
			path = strings.TrimPrefix(path[dec.InputOffset():], ".")
			continue
		}
		s, rest, _ := strings.Cut(path, ".")
		segments, path = append(segments, s), rest
	}
	return segments
}

func plain(s string) bool {
	for _, r := range s {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("_$-*", r) {
			return false
		}
	}
	return s != ""
}

// Contents answers the digest of an object's desired content, references counted
// with the content of what they refer to, and without what says which object it
// is: a rename changes no content. Cyclic references end where they close. What
// many objects refer to is digested once; the answers are for one caller at a time.
func (d Desired) Contents() func(Address) string {
	c := contents{d, map[Address]string{}, map[Address]bool{}}
	return func(a Address) string {
		digest, _ := c.of(a)
		return digest
	}
}

type contents struct {
	desired Desired
	known   map[Address]string
	within  map[Address]bool // those being digested
}

// of says too whether the digest is the same wherever it is asked for: below an
// object of a cycle it is not.
func (c contents) of(a Address) (digest string, whole bool) {
	o, ok := c.desired.Objects[a]
	if digest, whole = c.known[a]; whole || !ok {
		return digest, true
	}
	if c.within[a] {
		return "", false
	}
	c.within[a] = true
	defer delete(c.within, a)
	fields, below := maps.Clone(o.Fields), map[string]string{}
	delete(fields, "id")
	delete(fields, "movedFrom")
	maps.DeleteFunc(fields, func(p string, _ Value) bool { return IsRetired(p) }) // goes by the clock, and not by the files
	whole = true
	for p, v := range fields {
		if t, _, ok := v.Target(); ok {
			var same bool
			below[p], same = c.of(t)
			whole = whole && same
		}
	}
	digest = DigestOf([]any{fields, below})
	if whole {
		c.known[a] = digest
	}
	return digest, whole
}
