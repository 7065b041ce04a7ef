package compiler

import (
	"reflect"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// read makes the object of a group, if it is plain and fits.
func (g *group) read(t *tree, patterns []pattern, s *shape, r *rule) {
	if g.address.Name == "" || r == nil {
		return
	}
	parts := slices.Clip(g.parts)
	for _, p := range patterns {
		if p.match.fits(g.address.Name) {
			parts = append(parts, p.part)
		}
	}
	g.object = schema.Object{Fields: map[string]schema.Value{}, At: map[string][]schema.Position{}}
	p := plainReader{object: g.object}
	if len(parts) > 1 {
		p.stated = map[string]any{}
	}
	for _, part := range parts {
		p.file = t.relative(part.file)
		lit, ok := part.field.Value.(*ast.StructLit)
		if !ok || !p.fields(lit, s, r, nil) {
			return
		}
		g.object.At[""] = append(g.object.At[""], p.position(part.field.Pos()))
	}
	if len(parts) > 1 {
		for path, at := range g.object.At {
			g.object.At[path] = schema.InOrder(at)
		}
	}
	g.plain = true
}

// plainReader fills an object from one of the places that state it.
type plainReader struct {
	object schema.Object
	file   string
	stated map[string]any // by path, where several places state fields
}

func (p *plainReader) position(at token.Pos) schema.Position {
	pos := at.Position()
	return schema.Position{File: p.file, Line: pos.Line, Col: pos.Column}
}

// fields reads a struct down to the fields of the kind; false is "not surely
// plain".
func (p *plainReader) fields(lit *ast.StructLit, s *shape, r *rule, path []string) bool {
	o := r.object()
	if o == nil {
		return false
	}
	required := o.required
	for _, e := range lit.Elts {
		f, ok := e.(*ast.Field)
		if _, comment := e.(*ast.CommentGroup); comment {
			continue
		}
		if !ok || !isPlainField(f) {
			return false
		}
		name := labelText(f.Label)
		m, below := o.member(name), s.child(name)
		if m == nil || below == nil {
			return false
		}
		if m.required {
			required--
		}
		if !p.field(f, below, m.rule, append(path[:len(path):len(path)], name)) {
			return false
		}
	}
	return required <= 0
}

func (p *plainReader) field(f *ast.Field, s *shape, r *rule, path []string) bool {
	if s.field == nil {
		lit, ok := f.Value.(*ast.StructLit)
		return ok && p.fields(lit, s, r, path)
	}
	at := s.path
	if at == "" {
		at = schema.JoinPath(path...)
	}
	v, ok := literalOf(f.Value)
	if !ok || !r.fits(v) {
		return false
	}
	if _, twice := p.object.Fields[at]; twice {
		if stated, known := p.stated[at]; !known || !reflect.DeepEqual(stated, v) {
			return false
		}
	} else if p.stated != nil {
		p.stated[at] = v
	}
	value, ok := plainValue(*s.field, v)
	p.object.Fields[at] = value
	p.object.At[at] = append(p.object.At[at], p.position(f.Pos()))
	if s.field.Places {
		p.inside(f.Value, path)
	}
	return ok
}

// inside notes where the parts of a free-form value stand.
func (p *plainReader) inside(e ast.Expr, path []string) {
	note := func(name string, n ast.Node, below ast.Expr) {
		path := append(path[:len(path):len(path)], name)
		at := schema.JoinPath(path...)
		p.object.At[at] = append(p.object.At[at], p.position(n.Pos()))
		p.inside(below, path)
	}
	switch x := e.(type) {
	case *ast.StructLit:
		for _, e := range x.Elts {
			if f, ok := e.(*ast.Field); ok {
				note(labelText(f.Label), f, f.Value)
			}
		}
	case *ast.ListLit:
		for i, e := range x.Elts {
			note(strconv.Itoa(i), e, e)
		}
	}
}

// plainValue is what valueOf makes of the same value.
func plainValue(f schema.Field, v any) (value schema.Value, ok bool) {
	switch x := v.(type) {
	case nil:
		return schema.Value{Is: schema.Unset}, true
	case string:
		if f.Form {
			return value, false
		}
		value, err := stringOf(f, x)
		return value, err == nil
	case map[string]any:
		if f.Type == schema.String {
			return plainSecret(x)
		}
	}
	return wholeOf(f, v), true
}

func plainSecret(x map[string]any) (value schema.Value, ok bool) {
	places := map[string]string{}
	source, _ := x["secret"].(map[string]any)
	for name, where := range source {
		s, ok := where.(string)
		if !ok {
			return value, false
		}
		places[name] = s
	}
	value, err := secretAt(places)
	return value, err == nil
}

// literalOf reads a literal: a string, int64, float64, bool, nil, []any or
// map[string]any.
func literalOf(e ast.Expr) (v any, ok bool) {
	switch x := e.(type) {
	case *ast.BasicLit:
		return scalarOf(x)
	case *ast.UnaryExpr:
		if lit, ok := x.X.(*ast.BasicLit); ok && x.Op == token.SUB {
			return negative(lit)
		}
	case *ast.ListLit:
		list := make([]any, len(x.Elts))
		for i, e := range x.Elts {
			if list[i], ok = literalOf(e); !ok {
				return nil, false
			}
		}
		return list, true
	case *ast.StructLit:
		return structOf(x)
	}
	return nil, false
}

func structOf(x *ast.StructLit) (v any, ok bool) {
	fields := map[string]any{}
	for _, e := range x.Elts {
		f, ok := e.(*ast.Field)
		if !ok || !isPlainField(f) {
			return nil, false
		}
		name := labelText(f.Label)
		if _, twice := fields[name]; twice {
			return nil, false
		}
		if fields[name], ok = literalOf(f.Value); !ok {
			return nil, false
		}
	}
	return fields, true
}

func scalarOf(x *ast.BasicLit) (v any, ok bool) {
	switch x.Kind {
	case token.NULL:
		return nil, true
	case token.TRUE, token.FALSE:
		return x.Kind == token.TRUE, true
	case token.STRING:
		info, _, _, err := literal.ParseQuotes(x.Value, x.Value)
		if err != nil || !info.IsDouble() {
			return nil, false
		}
		s, err := literal.Unquote(x.Value)
		return s, err == nil
	case token.INT:
		return wholeNumber(x.Value)
	case token.FLOAT:
		return brokenNumber(x.Value)
	}
	return nil, false
}

// maxDigits is how many digits a number may have that float64 surely keeps.
const maxDigits = 15

// wholeNumber reads decimal digits; CUE has other forms, which are left to it.
func wholeNumber(s string) (v any, ok bool) {
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil && len(s) <= maxDigits && (s == "0" || s[0] != '0')
}

func brokenNumber(s string) (v any, ok bool) {
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil && len(s) <= maxDigits && s[0] != '.' && strings.Trim(s, "0123456789") == "."
}

func negative(x *ast.BasicLit) (v any, ok bool) {
	v, ok = scalarOf(x)
	switch n := v.(type) {
	case int64:
		return -n, ok
	case float64:
		return -n, ok
	}
	return nil, false
}
