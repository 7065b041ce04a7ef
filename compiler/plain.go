package compiler

import (
	"runtime"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// Most objects are plain: literals, stated in one place or in several that agree,
// patterns included, that nothing else refers to. What they mean does not need CUE's
// evaluator, which would take ten times as long: they are read from the syntax
// tree, checked by the schema's rules, and taken out of the package before the
// rest is evaluated.
//
// Nothing here finds fault. An object that is not surely plain and surely right
// stays in the package, and CUE's verdict on it counts.

// plainPass sorts the declarations of a package.
type plainPass struct {
	tree *tree
	// whole: something at the root may reach any field, so nothing is taken.
	whole bool
	// mixed kinds hold patterns, comprehensions or the like.
	mixed map[string]bool
	// used are all identifiers in what is evaluated.
	used     map[string]bool
	groups   map[schema.Address]*group
	patterns map[string][]pattern // by kind
}

// pattern is a constraint on the objects of a kind whose names match, such as
// [!="special"]: {…}. It stays in the package, for those that are evaluated.
type pattern struct {
	match *rule
	part  part
}

// part is one place that states something of an object.
type part struct {
	field *ast.Field
	file  string
}

// group is all that is stated of one object.
type group struct {
	address schema.Address
	parts   []part
	object  schema.Object
	plain   bool
}

// takePlain reads the plain objects of a package and removes them from it.
func takePlain(t *tree, files []*ast.File) []placed {
	p := &plainPass{tree: t, mixed: map[string]bool{}, used: map[string]bool{},
		groups: map[schema.Address]*group{}, patterns: map[string][]pattern{}}
	for _, f := range files {
		p.scan(f)
	}
	if p.whole {
		return nil
	}
	p.readAll()
	var taken []placed
	gone := map[*ast.Field]bool{}
	for a, g := range p.groups {
		if !g.plain || p.mixed[a.Kind] || p.used[a.Kind] || p.used[a.Name] {
			continue
		}
		taken = append(taken, placed{a, g.object})
		for _, part := range g.parts {
			gone[part.field] = true
		}
	}
	for _, f := range files {
		remove(f, gone)
	}
	return taken
}

// scan sorts the declarations of one file.
func (p *plainPass) scan(f *ast.File) {
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.Package, *ast.ImportDecl, *ast.CommentGroup:
		case *ast.LetClause:
			p.use(d)
		case *ast.Attribute:
			p.whole = p.whole || !strings.HasPrefix(d.Text, "@extern(") && !strings.HasPrefix(d.Text, "@if(")
		case *ast.Field:
			p.root(f, d)
		default:
			p.whole = true
		}
	}
}

func (p *plainPass) root(f *ast.File, d *ast.Field) {
	if !isPlainLabel(d.Label) {
		if name, ok := d.Label.(*ast.Ident); !ok || name.Name == "_" {
			p.whole = true
		}
		p.use(d)
		return
	}
	kind := labelText(d.Label)
	lit, ok := d.Value.(*ast.StructLit)
	if k, known := schema.KindOf(kind); !known || k.Flat || !ok || !isPlainField(d) {
		p.mixed[kind] = true
		p.use(d)
		return
	}
	for _, e := range lit.Elts {
		p.member(f, kind, e)
	}
}

// member sorts what stands right below a kind.
func (p *plainPass) member(f *ast.File, kind string, e ast.Decl) {
	member, ok := e.(*ast.Field)
	if ok && isPlainField(member) {
		a := schema.Address{Kind: kind, Name: labelText(member.Label)}
		if p.groups[a] == nil {
			p.groups[a] = &group{address: a}
		}
		p.groups[a].parts = append(p.groups[a].parts, part{member, f.Filename})
		return
	}
	p.use(e)
	if ok && member.Alias == nil && member.Constraint == 0 && len(member.Attrs) == 0 {
		if match := matcher(member.Label); match != nil {
			p.patterns[kind] = append(p.patterns[kind], pattern{match, part{member, f.Filename}})
			return
		}
	}
	p.mixed[kind] = true
}

// matcher reads the label of a pattern that compares names with a literal; nil
// for any other.
func matcher(l ast.Label) *rule {
	list, ok := l.(*ast.ListLit)
	if !ok || len(list.Elts) != 1 {
		return nil
	}
	e := list.Elts[0]
	if alias, ok := e.(*ast.Alias); ok {
		e = alias.Expr
	}
	rs := &rules{known: map[string]*rule{}}
	switch x := e.(type) {
	case *ast.Ident:
		if x.Name != "string" {
			return nil
		}
	case *ast.UnaryExpr:
		if lit, ok := x.X.(*ast.BasicLit); !ok || lit.Kind != token.STRING || x.Op != token.NEQ && x.Op != token.MAT {
			return nil
		}
	default:
		return nil
	}
	r := rs.expr(e)
	if rs.err != nil {
		return nil
	}
	return r
}

// isPlainField says whether a field is a regular one, stated by name, without
// an alias or attributes.
func isPlainField(f *ast.Field) bool {
	return isPlainLabel(f.Label) && f.Alias == nil && f.Constraint == 0 && len(f.Attrs) == 0
}

// use notes the identifiers of what stays, names of fields aside.
func (p *plainPass) use(n ast.Node) {
	ast.Walk(n, func(n ast.Node) bool {
		switch x := n.(type) {
		case *ast.Ident:
			p.used[x.Name] = true
		case *ast.Field:
			if !isPlainLabel(x.Label) {
				p.use(x.Label)
			}
			if x.Alias != nil {
				p.use(x.Alias)
			}
			p.use(x.Value)
			return false
		}
		return true
	}, nil)
}

// readAll reads every group that may be plain, side by side; what is not stays,
// and is used.
func (p *plainPass) readAll() {
	groups := make([]*group, 0, len(p.groups))
	for a, g := range p.groups {
		if !p.mixed[a.Kind] {
			groups = append(groups, g)
		}
	}
	shapes := map[string]*shape{}
	for _, k := range schema.Kinds() {
		shapes[k.Name] = shapeOf(k)
	}
	rules := schemaRules()
	var wait sync.WaitGroup
	for part := range slices.Chunk(groups, len(groups)/runtime.GOMAXPROCS(0)+1) {
		wait.Go(func() {
			for _, g := range part {
				g.read(p.tree, p.patterns[g.address.Kind], shapes[g.address.Kind], rules.of(g.address.Kind).at([]string{g.address.Name}))
			}
		})
	}
	wait.Wait()
	for _, g := range p.groups {
		if !g.plain {
			for _, part := range g.parts {
				p.use(part.field.Value)
			}
		}
	}
}

// remove takes fields out of a file, and the structs that this empties.
func remove(f *ast.File, gone map[*ast.Field]bool) {
	f.Decls = slices.DeleteFunc(f.Decls, func(d ast.Decl) bool {
		root, ok := d.(*ast.Field)
		if !ok {
			return false
		}
		lit, ok := root.Value.(*ast.StructLit)
		if !ok || len(lit.Elts) == 0 {
			return false
		}
		lit.Elts = slices.DeleteFunc(lit.Elts, func(d ast.Decl) bool {
			member, ok := d.(*ast.Field)
			return ok && gone[member]
		})
		return len(lit.Elts) == 0
	})
}
