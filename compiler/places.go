package compiler

import (
	"path"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/inject/embed"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// places knows where in the files each field is stated.
type places struct {
	tree   *tree
	labels map[token.Pos]token.Pos // where a field's value stands → where its label does
	beside map[token.Pos]string    // where a label stands → the file that the field embeds
}

// index notes the label of every value in the files, since CUE remembers
// values and people look for labels.
func index(pkg *loaded) *places {
	p := &places{pkg.tree, map[token.Pos]token.Pos{}, map[token.Pos]string{}}
	for _, f := range pkg.files {
		p.embeds(f)
		ast.Walk(f, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				p.labels[field.Value.Pos()] = field.Pos()
			}
			return true
		}, nil)
	}
	return p
}

// embeds notes the one file that each field of a file embeds.
func (p *places) embeds(f *ast.File) {
	all, err := embed.EmbeddedPaths(f.Filename, f) // which evaluation tells of
	for _, e := range all {
		if field, ok := e.Node.(*ast.Field); ok && err == nil && !e.IsGlob() {
			if file, _, err := e.Attribute.Lookup(0, "file"); err == nil {
				p.beside[field.Pos()] = path.Join(path.Dir(f.Filename), file)
			}
		}
	}
}

// of lists every place that contributes to a value.
func (p *places) of(v cue.Value) (at []schema.Position) {
	parts := []cue.Value{v}
	if op, args := v.Expr(); op == cue.AndOp {
		parts = args
	}
	for _, part := range parts {
		src := part.Source()
		if src == nil || !src.Pos().IsValid() || p.tree.owned(src.Pos().Filename()) {
			continue
		}
		pos := src.Pos()
		if label, ok := p.labels[pos]; ok && !isField(src) {
			pos = label
		}
		at = append(at, p.tree.position(pos))
		if file := p.beside[pos]; file != "" {
			at = append(at, schema.Position{File: p.tree.relative(file), Line: 1, Col: 1})
		}
	}
	return schema.InOrder(at)
}

func isField(n ast.Node) bool {
	_, ok := n.(*ast.Field)
	return ok
}

func (t *tree) position(p token.Pos) schema.Position {
	at := p.Position()
	return schema.Position{File: t.relative(at.Filename), Line: at.Line, Col: at.Column}
}

// positions of the user's own files that take part in an error.
func (p problems) positions(e errors.Error) (at []schema.Position) {
	for _, pos := range errors.Positions(e) {
		if pos.IsValid() && !p.tree.owned(pos.Filename()) {
			at = append(at, p.tree.position(pos))
		}
	}
	return schema.InOrder(at)
}

// nearestPlace finds where a path, or as much of it as is stated, stands.
func (p problems) nearestPlace(path []string) []schema.Position {
	for ; len(path) > 0; path = path[:len(path)-1] {
		var at []schema.Position
		for _, f := range p.files {
			at = append(at, p.stated(f.Decls, path)...)
		}
		if len(at) > 0 {
			return schema.InOrder(at)
		}
	}
	return nil
}

func (p problems) stated(decls []ast.Decl, path []string) (at []schema.Position) {
	for _, d := range decls {
		field, ok := d.(*ast.Field)
		if !ok || labelText(field.Label) != path[0] {
			continue
		}
		if len(path) == 1 {
			at = append(at, p.tree.position(field.Pos()))
		} else if below, ok := field.Value.(*ast.StructLit); ok {
			at = append(at, p.stated(below.Elts, path[1:])...)
		}
	}
	return at
}
