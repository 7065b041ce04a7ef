package compiler

import (
	"runtime"
	"slices"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"

	"domctl.dev/schema"
)

// Most objects are plain: literals, stated once or in places that do not
// overlap, that nothing else refers to. What they mean does not need CUE's
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
	used   map[string]bool
	groups map[schema.Address]*group
}

// group is all that is stated of one object.
type group struct {
	address schema.Address
	parts   []*ast.Field
	files   []string
	object  schema.Object
	plain   bool
}

// takePlain reads the plain objects of a package and removes them from it.
func takePlain(t *tree, files []*ast.File) []placed {
	p := &plainPass{tree: t, mixed: map[string]bool{}, used: map[string]bool{}, groups: map[schema.Address]*group{}}
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
			gone[part] = true
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
		member, ok := e.(*ast.Field)
		if !ok || !isPlainField(member) {
			p.mixed[kind] = true
			p.use(e)
			continue
		}
		a := schema.Address{Kind: kind, Name: labelText(member.Label)}
		g := p.groups[a]
		if g == nil {
			g = &group{address: a}
			p.groups[a] = g
		}
		g.parts, g.files = append(g.parts, member), append(g.files, f.Filename)
	}
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
				g.read(p.tree, shapes[g.address.Kind], rules.of(g.address.Kind).at([]string{g.address.Name}))
			}
		})
	}
	wait.Wait()
	for _, g := range p.groups {
		if !g.plain {
			for _, part := range g.parts {
				p.use(part.Value)
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
