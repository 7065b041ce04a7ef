package compiler

import (
	"fmt"
	"maps"
	"strconv"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/literal"

	"domctl.dev/schema"
)

// read walks every kind of an evaluated package by its row in the kind table.
func read(pkg *loaded, r *Result) {
	w := &reader{pkg: pkg, places: index(pkg), result: r}
	w.deployment()
	for _, k := range schema.Kinds() {
		v := pkg.value.LookupPath(cue.MakePath(cue.Str(k.Name)))
		if k.Flat {
			w.flat(k, v, nil)
			continue
		}
		shape := shapeOf(k)
		for name, object := range fields(v) {
			w.object(schema.Address{Kind: k.Name, Name: name}, object, shape)
		}
	}
	for _, o := range pkg.plain {
		r.Desired.Objects[o.address] = o.object
	}
	if v := pkg.value.LookupPath(cue.ParsePath("resolved")); v.Exists() {
		_ = v.Decode(&r.Resolved) // what does not fit is a finding of Validate
	}
}

// reader turns values of CUE into the result.
type reader struct {
	pkg    *loaded
	places *places
	result *Result
	texts  *texts // once one was asked for
}

func (w *reader) add(code string, a schema.Address, at []schema.Position, hint, format string, args ...any) {
	w.result.Findings = append(w.result.Findings, schema.Finding{Code: code, Severity: schema.Error, Address: a, Positions: at, Hint: hint,
		Message: fmt.Sprintf(format, args...)})
}

func (w *reader) warn(code string, a schema.Address, at []schema.Position, hint, format string, args ...any) {
	w.add(code, a, at, hint, format, args...)
	w.result.Findings[len(w.result.Findings)-1].Severity = schema.Warning
}

func (w *reader) object(a schema.Address, v cue.Value, s *shape) {
	o := schema.Object{Fields: map[string]schema.Value{}, At: map[string][]schema.Position{"": w.places.of(v)}}
	if a.Name == "" {
		w.add(codeMisfit, a, o.At[""], "", "an object needs a name")
		return
	}
	w.fields(a, o, v, s, nil)
	w.result.Desired.Objects[a] = o
}

// fields fills an object from a struct at a path below it.
func (w *reader) fields(a schema.Address, o schema.Object, v cue.Value, s *shape, path []string) {
	for name, member := range fields(v) {
		below := s.child(name)
		if below == nil {
			continue // the schema refuses it, which is a finding already
		}
		at := append(path[:len(path):len(path)], name)
		if below.field == nil {
			w.fields(a, o, member, below, at)
			continue
		}
		p := schema.JoinPath(at...)
		places := w.places.of(member)
		value, err := valueOf(*below.field, member)
		if err != nil {
			w.unreadable(a, append([]string{a.Kind, a.Name}, at...), p, member, places, err)
			continue
		}
		if text := value.Str(); below.field.Form && value.Is == schema.Known && strings.HasPrefix(value.Text, `"`) {
			if value, err = w.form(a, o, p, text, places); err != nil {
				continue
			}
		}
		o.Fields[p], o.At[p] = value, places
		if below.field.Places {
			w.inside(o, member, at)
		}
	}
}

// inside notes where the parts of a free-form value stand.
func (w *reader) inside(o schema.Object, v cue.Value, path []string) {
	note := func(name string, part cue.Value) {
		at := append(path[:len(path):len(path)], name)
		if places := w.places.of(part); len(places) > 0 {
			o.At[schema.JoinPath(at...)] = places
		}
		w.inside(o, part, at)
	}
	if list, err := v.List(); err == nil {
		for i := 0; list.Next(); i++ {
			note(strconv.Itoa(i), list.Value())
		}
		return
	}
	for name, part := range fields(v) {
		note(name, part)
	}
}

// unreadable says why a value could not be taken, unless CUE has said so.
func (w *reader) unreadable(a schema.Address, path []string, what string, v cue.Value, at []schema.Position, err error) {
	switch {
	case w.pkg.failed[pathKey(path)] || v.IncompleteKind() == cue.BottomKind:
	case v.IsConcrete():
		w.add(codeMisfit, a, at, "", "%s", strings.TrimPrefix(what+": "+err.Error(), "it: "))
	default:
		w.add(codeMissing, a, at, problems{w.pkg.tree, w.pkg.files}.unheeded(path), "%s has no value, want %s", what, ruleAt(path).want())
	}
}

// flat reads a kind whose members are single values, at any depth.
func (w *reader) flat(k schema.Kind, v cue.Value, path []string) {
	if !v.Exists() {
		return
	}
	members := maps.Collect(fields(v))
	if _, secret := members["secret"]; !secret && (len(members) > 0 || v.IncompleteKind() == cue.StructKind) {
		for _, name := range schema.Sorted(members) {
			w.flat(k, members[name], append(path[:len(path):len(path)], name))
		}
		return
	}
	a, at := schema.Address{Kind: k.Name, Name: k.Key(path)}, w.places.of(v)
	value, err := settingOf(path, v)
	if err != nil {
		w.unreadable(a, append([]string{k.Name}, path...), "it", v, at, err)
		return
	}
	if other, ok := w.result.Desired.Objects[a]; ok {
		w.add(codeTwice, a, schema.InOrder(append(at, other.At[""]...)), "keep the typed one", "stated by its name and under raw by its key")
		return
	}
	w.result.Desired.Objects[a] = schema.Object{
		Fields: map[string]schema.Value{"value": value},
		At:     map[string][]schema.Position{"": at, "value": at},
	}
}

// shape is a kind's fields as a tree of path segments.
type shape struct {
	field *schema.Field
	path  string // of the field, where it has no "*"
	below map[string]*shape
}

func shapeOf(k schema.Kind) *shape {
	root := &shape{below: map[string]*shape{}}
	for _, f := range k.Fields {
		if f.Computed {
			continue
		}
		s := root
		for _, segment := range schema.SplitPath(f.Path) {
			next, ok := s.below[segment]
			if !ok {
				next = &shape{below: map[string]*shape{}}
				s.below[segment] = next
			}
			s = next
		}
		s.field = &f
		if !strings.Contains(f.Path, "*") {
			s.path = f.Path
		}
	}
	return root
}

func (s *shape) child(name string) *shape {
	if c, ok := s.below[name]; ok {
		return c
	}
	return s.below["*"]
}

// fields ranges over the regular fields of a struct, one that fails below too.
func fields(v cue.Value) func(yield func(string, cue.Value) bool) {
	return func(yield func(string, cue.Value) bool) {
		if k := v.IncompleteKind(); k != cue.StructKind && k != cue.BottomKind {
			return
		}
		iter, err := v.Fields()
		for err == nil && iter.Next() {
			if !yield(iter.Selector().Unquoted(), iter.Value()) {
				return
			}
		}
	}
}

// unquote turns CUE path segments into plain names.
func unquote(path []string) []string {
	plain := make([]string, len(path))
	for i, s := range path {
		if u, err := literal.Unquote(s); err == nil {
			s = u
		}
		plain[i] = s
	}
	return plain
}
