package schema

import (
	"slices"
	"strings"
	"sync"
)

// Type says how a field's stated value becomes a Value.
type Type string

// The types. A list or a free-form value is compared whole.
const (
	String   Type = "string"
	Bool     Type = "bool"
	Int      Type = "int"
	Number   Type = "number"
	Bytes    Type = "bytes"    // "12GiB": canonical by CanonicalBytes
	Duration Type = "duration" // "90d": canonical by CanonicalDuration
	Time     Type = "time"     // "08:00": canonical by CanonicalTime
	List     Type = "list"     // order counts; compared whole
	Set      Type = "set"      // order does not count; stored sorted
	Any      Type = "any"      // a free-form value, compared whole
)

// Field describes one path of a kind; the segment "*" stands for any one
// segment.
type Field struct {
	Path string
	Type Type
	// To names what the field refers to: "amis#image" makes the stated name a
	// reference to that field of the object. For a list or set every element is a name.
	To string
	// Declared fields live in the files only: they steer domctl and are never
	// compared with the outside.
	Declared bool
	// Kept fields are declared ones that *applied* remembers, because they still
	// count once the files no longer hold the object.
	Kept bool
	// Computed fields are never stated in files.
	Computed bool
	// Carried fields are kept ones that each later entry of the address holds too.
	Carried bool
	// Places says that the positions of what stands inside a free-form value are kept,
	// by path: "rollout.0.pools".
	Places bool
	// Form says that text may stand for the value: YAML, as Domino's form takes workspace
	// tools.
	Form bool
	// Unit documents what a number counts ("cents per minute").
	Unit string
	// Fault says why files cannot state a value of the type ("is no visibility"); ""
	// when they can. nil: they can state each.
	Fault func(Value) string
}

// Kind is one row of the kind table.
type Kind struct {
	Name   string
	Fields []Field
	// Flat kinds hold one value a name (settings); it stands in field "value".
	Flat bool
	// Spread rewrites an object so that desired and live have the same paths.
	Spread func(name string, o Object) Object
	// Key gives the Name of a flat kind's member by its path segments.
	Key func(segments []string) string
	// Restart says that a change of a member takes effect when Domino's services
	// restart; nil: none does.
	Restart func(name string) bool
	// Unresolved says that something of an object is not in resolved.cue, so that it
	// cannot be said to stand as the files want; nil: nothing of the kind is.
	Unresolved func(o Object) bool
	// Gone says what happens to what was applied and is no longer desired:
	// "archive", "unset", "release" (let go, never touched).
	Gone string

	// Literal says of a name that it is the thing itself and no object's: "ami-0…".
	Literal func(name string) bool
	// Resolve fills computed fields from resolved.cue; the finding says what is not
	// in it.
	Resolve func(Resolved, Address, Object) *Finding

	// OnUpdate and OnArchive tell those who use an object what to do when it changes, or
	// is archived; "": nothing.
	OnUpdate, OnArchive string

	noun  string // in running text: "hardware tier"
	check func(*checker)
	index fieldIndex
	// Carries says that the kind has carried fields.
	Carries bool
}

// Kinds is the kind table, ordered by name.
func Kinds() []Kind { return table() }

// table is made once: rows are looked up for every field of every object.
var table = sync.OnceValue(func() []Kind {
	kinds := []Kind{amis(), baseImages(), defaultEnvironments(), environments(), hardwareTiers(), nodePools(), settings()}
	for i := range kinds {
		kinds[i].index = indexOf(kinds[i].Fields)
		kinds[i].Carries = slices.ContainsFunc(kinds[i].Fields, func(f Field) bool { return f.Carried })
	}
	return kinds
})

// Noun is how an object of the kind is called in running text: "hardware tier".
func (k Kind) Noun() string { return k.noun }

// KindOf finds a row.
func KindOf(name string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.Name == name {
			return k, true
		}
	}
	return Kind{}, false
}

// fieldIndex finds a field by its path: plain paths directly, patterns one by one.
type fieldIndex struct {
	plain    map[string]Field
	patterns []pattern
}

type pattern struct {
	root     string // "variables.": what stands before the first "*"
	segments []string
	field    Field
}

func indexOf(fields []Field) fieldIndex {
	x := fieldIndex{plain: make(map[string]Field, len(fields))}
	for _, f := range fields {
		if segments := SplitPath(f.Path); slices.Contains(segments, "*") {
			root, _, _ := strings.Cut(f.Path, "*")
			x.patterns = append(x.patterns, pattern{root, segments, f})
		} else {
			x.plain[f.Path] = f
		}
	}
	return x
}

// Field finds the description of a path.
func (k Kind) Field(path string) (Field, bool) {
	if f, ok := k.index.plain[path]; ok || len(k.index.patterns) == 0 {
		return f, ok
	}
	var segments []string
	for _, p := range k.index.patterns {
		if !strings.HasPrefix(path, p.root) {
			continue
		}
		if segments == nil {
			segments = SplitPath(path)
		}
		if matches(p.segments, segments) {
			return p.field, true
		}
	}
	return Field{}, false
}

func matches(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(p, s string) bool { return p == "*" || p == s })
}

// common fields stand on every kind that is not flat.
func common(fields ...Field) []Field {
	return append(fields,
		Field{Path: "id", Type: String, Declared: true},
		Field{Path: "movedFrom", Type: String, Declared: true},
		Field{Path: "lifecycle.prune", Type: Bool, Declared: true, Kept: true},
		Field{Path: "lifecycle.protect", Type: Bool, Declared: true, Kept: true},
	)
}

// noneOf refuses text that is none of some words.
func noneOf(fault string, words ...string) func(Value) string {
	return func(v Value) string {
		if slices.Contains(words, v.Str()) {
			return ""
		}
		return fault
	}
}
