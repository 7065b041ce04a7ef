package compiler

import (
	"fmt"
	"regexp"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// rule is one expression of the schema in a form that can be asked: what is
// wanted here, which fields may stand here, does this value fit. The schema is
// written in a small part of CUE; what is outside that part is no rule, and a
// test sees to it that nothing is.
type rule struct {
	def string // definition that the expression refers to: "#Bytes"
	doc string // comment of that definition

	arms  []*rule // any of these
	all   []*rule // every one of these
	basic string  // "string", "int", "number", "bool", "null"
	is    any     // this very string
	bound *bound
	list  *rule // element of a list
	open  *object
}

// bound is a comparison: >=0, !="", =~"^ami-".
type bound struct {
	op     token.Token
	number float64
	text   string
	match  *regexp.Regexp
}

// object is a closed struct.
type object struct {
	members  []*member
	byName   map[string]*member
	patterns []*member // fields by pattern: name is the pattern's alias, key what names must fit
	required int       // members that must be stated
}

// member is one field of a struct.
type member struct {
	name     string
	doc      string
	required bool
	key      *rule // of a pattern
	rule     *rule
}

// rules are the definitions of the schema by name, with the roots' definitions
// among them.
type rules struct {
	exprs map[string]*ast.Field
	known map[string]*rule
	err   error
}

// schemaRules are parsed once: they follow from the program alone.
var schemaRules = sync.OnceValue(func() *rules {
	rs := &rules{exprs: map[string]*ast.Field{}, known: map[string]*rule{}}
	for name, text := range schema.Files() {
		f, err := parser.ParseFile(name, text, parser.ParseComments)
		if err != nil {
			rs.err = err
			return rs
		}
		for _, d := range f.Decls {
			if field, ok := d.(*ast.Field); ok {
				rs.exprs[labelText(field.Label)] = field
			}
		}
	}
	for name := range rs.exprs {
		rs.definition(name)
	}
	return rs
})

// of is the rule of a root field: of("hardwareTiers").
func (rs *rules) of(root string) *rule { return rs.definition(schema.Definition(root)) }

func (rs *rules) definition(name string) *rule {
	if r, ok := rs.known[name]; ok {
		return r
	}
	field, ok := rs.exprs[name]
	if !ok {
		rs.fail("no definition %s", name)
		return &rule{}
	}
	r := &rule{}
	rs.known[name] = r
	*r = *rs.expr(field.Value)
	r.def, r.doc = name, comment(field)
	return r
}

func (rs *rules) fail(format string, args ...any) {
	if rs.err == nil {
		rs.err = fmt.Errorf(format, args...)
	}
}

func (rs *rules) expr(e ast.Expr) *rule {
	switch x := e.(type) {
	case *ast.ParenExpr:
		return rs.expr(x.X)
	case *ast.Ident:
		if x.Name[0] == '#' {
			return rs.definition(x.Name)
		}
		return &rule{basic: x.Name}
	case *ast.BasicLit:
		return rs.literal(x)
	case *ast.UnaryExpr:
		return &rule{bound: rs.bound(x)}
	case *ast.BinaryExpr:
		return rs.binary(x)
	case *ast.StructLit:
		return &rule{open: rs.object(x)}
	case *ast.ListLit:
		if len(x.Elts) == 1 {
			if rest, ok := x.Elts[0].(*ast.Ellipsis); ok {
				return &rule{list: rs.expr(rest.Type)}
			}
		}
	}
	rs.fail("%v: not the CUE that rules are read from", e.Pos())
	return &rule{}
}

func (rs *rules) literal(x *ast.BasicLit) *rule {
	if x.Kind == token.NULL {
		return &rule{basic: "null"}
	}
	s, err := literal.Unquote(x.Value)
	if err != nil {
		rs.fail("%v: %w", x.Pos(), err)
	}
	return &rule{is: s}
}

func (rs *rules) bound(x *ast.UnaryExpr) *bound {
	b := &bound{op: x.Op}
	lit, ok := x.X.(*ast.BasicLit)
	if !ok {
		rs.fail("%v: a bound that is no literal", x.Pos())
		return b
	}
	if lit.Kind != token.STRING {
		_, err := fmt.Sscan(lit.Value, &b.number)
		if err != nil {
			rs.fail("%v: %w", x.Pos(), err)
		}
		return b
	}
	b.text, _ = literal.Unquote(lit.Value)
	if x.Op == token.MAT {
		var err error
		if b.match, err = regexp.Compile(b.text); err != nil {
			rs.fail("%v: %w", x.Pos(), err)
		}
	}
	return b
}

func (rs *rules) binary(x *ast.BinaryExpr) *rule {
	left, right := rs.expr(x.X), rs.expr(x.Y)
	switch x.Op {
	case token.OR:
		return &rule{arms: append(armsOf(left), armsOf(right)...)}
	case token.AND:
		return &rule{all: []*rule{left, right}}
	}
	rs.fail("%v: operator %s", x.Pos(), x.Op)
	return &rule{}
}

// armsOf flattens a disjunction that has no name of its own.
func armsOf(r *rule) []*rule {
	if r.arms != nil && r.def == "" {
		return r.arms
	}
	return []*rule{r}
}

func (rs *rules) object(x *ast.StructLit) *object {
	o := &object{byName: map[string]*member{}}
	for _, d := range x.Elts {
		field, ok := d.(*ast.Field)
		if !ok {
			rs.fail("%v: not a field", d.Pos())
			continue
		}
		m := &member{doc: comment(field), required: field.Constraint == token.NOT, rule: rs.expr(field.Value)}
		if pattern, ok := field.Label.(*ast.ListLit); ok {
			rs.pattern(m, pattern)
			o.patterns = append(o.patterns, m)
			continue
		}
		m.name = labelText(field.Label)
		o.members, o.byName[m.name] = append(o.members, m), m
		o.required += btoi(m.required)
	}
	return o
}

// pattern reads [Name=string] and [=~"^DC"].
func (rs *rules) pattern(m *member, x *ast.ListLit) {
	e := x.Elts[0]
	m.name = "name"
	if alias, ok := e.(*ast.Alias); ok {
		m.name, e = alias.Ident.Name, alias.Expr
	}
	m.key = rs.expr(e)
}

func labelText(l ast.Label) string {
	name, _, _ := ast.LabelName(l)
	return name
}

// comment is the documentation above a field, as one text.
func comment(f *ast.Field) string {
	for _, g := range ast.Comments(f) {
		if g.Doc {
			return g.Text()
		}
	}
	return ""
}
