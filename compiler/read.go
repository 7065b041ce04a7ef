package compiler

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/literal"

	"domctl.dev/schema"
)

// read walks every kind of an evaluated package by its row in the kind table.
func read(pkg *loaded, r *Result) {
	places := index(pkg)
	readDeployment(pkg, places, r)
	for _, k := range schema.Kinds() {
		v := pkg.value.LookupPath(cue.MakePath(cue.Str(k.Name)))
		if k.Flat {
			readFlat(k, v, places, r)
			continue
		}
		shape := shapeOf(k)
		for name, object := range fields(v) {
			a := schema.Address{Kind: k.Name, Name: name}
			o := reader{places, []string{k.Name, name}, schema.Object{
				Fields: map[string]schema.Value{},
				At:     map[string][]schema.Position{"": places.of(object, k.Name, name)},
			}}
			o.walk(object, shape, nil)
			r.Desired.Objects[a] = o.object
		}
	}
	readResolved(pkg, r)
	for a, o := range r.Desired.Objects {
		if k, _ := schema.KindOf(a.Kind); k.Spread != nil {
			r.Desired.Objects[a] = k.Spread(a.Name, o)
		}
	}
}

// readFlat reads a kind whose members are single values, at any depth.
func readFlat(k schema.Kind, v cue.Value, places *places, r *Result) {
	var below func(v cue.Value, path []string)
	below = func(v cue.Value, path []string) {
		if v.IncompleteKind() == cue.StructKind && !isSecret(v) {
			for name, member := range fields(v) {
				below(member, append(path[:len(path):len(path)], name))
			}
			return
		}
		value, ok := settingOf(path, v)
		if !ok {
			return
		}
		at := places.of(v, append([]string{k.Name}, path...)...)
		r.Desired.Objects[schema.Address{Kind: k.Name, Name: k.Key(path)}] = schema.Object{
			Fields: map[string]schema.Value{"value": value},
			At:     map[string][]schema.Position{"": at, "value": at},
		}
	}
	if v.Exists() {
		below(v, nil)
	}
}

// reader fills one object.
type reader struct {
	places *places
	root   []string
	object schema.Object
}

func (r *reader) walk(v cue.Value, s *shape, path []string) {
	for name, member := range fields(v) {
		below := s.child(name)
		if below == nil {
			continue // the schema refuses it, which is a finding already
		}
		at := append(path[:len(path):len(path)], name)
		if below.field == nil {
			r.walk(member, below, at)
			continue
		}
		if value, ok := valueOf(*below.field, member); ok {
			p := schema.JoinPath(at...)
			r.object.Fields[p] = value
			r.object.At[p] = r.places.of(member, append(r.root[:2:2], at...)...)
		}
	}
}

// shape is a kind's fields as a tree of path segments.
type shape struct {
	field *schema.Field
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
	}
	return root
}

func (s *shape) child(name string) *shape {
	if c, ok := s.below[name]; ok {
		return c
	}
	return s.below["*"]
}

// fields ranges over the regular fields of a struct.
func fields(v cue.Value) func(yield func(string, cue.Value) bool) {
	return func(yield func(string, cue.Value) bool) {
		if v.IncompleteKind() != cue.StructKind {
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
