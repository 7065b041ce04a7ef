package planner

import (
	"net/url"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// OutOf names another step's output.
func OutOf(step, name string) schema.Value {
	return schema.Value{Is: schema.Out, Text: step + "#" + name}
}

// SplitOut takes apart what OutOf made; ok is false for any other value.
func SplitOut(v schema.Value) (step, name string, ok bool) {
	i := strings.LastIndex(v.Text, "#")
	if v.Is != schema.Out || i < 0 {
		return "", "", false
	}
	return v.Text[:i], v.Text[i+1:], true
}

// outType marks the type of a Ref whose id an earlier step gives.
const outType = "out/"

// OutRef names an object that another step makes: its id is the prefix and, once
// that step is done, the output of OutOf(step, name). The prefix is escaped as in
// a URL: "out/ec2/version#lt-1%2F#<step>#version", and with none
// "out/ec2/image##<step>#image".
func OutRef(typ, prefix, step, name string) Ref {
	return Ref(outType + typ + "#" + url.PathEscape(prefix) + "#" + OutOf(step, name).Text)
}

// Out is the output that a Ref waits for; ok is false for one that names its
// object.
func (r Ref) Out() (v schema.Value, ok bool) {
	_, _, v, ok = r.splitOut()
	return v, ok
}

// splitOut takes apart what OutRef made.
func (r Ref) splitOut() (typ, prefix string, v schema.Value, ok bool) {
	typ, is := strings.CutPrefix(r.Type(), outType)
	prefix, out, whole := strings.Cut(r.ID(), "#")
	prefix, err := url.PathUnescape(prefix)
	v = schema.Value{Is: schema.Out, Text: out}
	if _, _, named := SplitOut(v); !is || !whole || err != nil || !named {
		return "", "", schema.Value{}, false
	}
	return typ, prefix, v, true
}

// resolve puts what is known of outputs into a Ref.
func (r Ref) resolve(known func(schema.Value) schema.Value) Ref {
	typ, prefix, v, ok := r.splitOut()
	if !ok {
		return r
	}
	id := known(v).Str()
	if id == "" {
		return r
	}
	return Ref(typ + "#" + prefix + id)
}

// Resolved is the step with outputs of earlier steps filled in, as far as known
// answers another value than it is given.
func (s Step) Resolved(known func(schema.Value) schema.Value) Step {
	fill := func(m map[string]schema.Value) map[string]schema.Value {
		out := make(map[string]schema.Value, len(m))
		for k, v := range m {
			out[k] = known(v)
		}
		return out
	}
	s.Object, s.Writes, s.Args = s.Object.resolve(known), fill(s.Writes), fill(s.Args)
	s.Expects = slices.Clone(s.Expects)
	for i, e := range s.Expects {
		s.Expects[i] = Expect{Ref: e.Ref.resolve(known), Path: e.Path, Value: known(e.Value)}
	}
	return s
}

// outputs are the steps whose outputs this one names, in order.
func (s *Step) outputs() (ids []string) {
	name := func(v schema.Value) {
		if id, _, ok := SplitOut(v); ok && id != s.ID {
			ids = append(ids, id)
		}
	}
	ref := func(r Ref) {
		if v, ok := r.Out(); ok {
			name(v)
		}
	}
	for _, m := range []map[string]schema.Value{s.Writes, s.Args} {
		for _, k := range schema.Sorted(m) {
			name(m[k])
		}
	}
	ref(s.Object)
	for _, e := range s.Expects {
		ref(e.Ref)
		name(e.Value)
	}
	return ids
}
