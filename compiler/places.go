package compiler

import (
	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// places knows where in the files each field is stated.
type places struct {
	tree   *tree
	labels map[token.Pos]token.Pos // where a field's value stands → where its label does
}

// index notes the label of every value in the files, since CUE remembers
// values and people look for labels.
func index(pkg *loaded) *places {
	p := &places{pkg.tree, map[token.Pos]token.Pos{}}
	for _, f := range pkg.files {
		ast.Walk(f, func(n ast.Node) bool {
			if field, ok := n.(*ast.Field); ok {
				p.labels[field.Value.Pos()] = field.Pos()
			}
			return true
		}, nil)
	}
	return p
}

// of lists every place that contributes to a value.
func (p *places) of(v cue.Value, path ...string) (at []schema.Position) {
	parts := []cue.Value{v}
	if op, args := v.Expr(); op == cue.AndOp {
		parts = args
	}
	for _, part := range parts {
		src := part.Source()
		if src == nil {
			continue
		}
		pos := src.Pos()
		if !pos.IsValid() || p.tree.owned(pos.Filename()) {
			continue
		}
		if label, ok := p.labels[pos]; ok && !isField(src) {
			pos = label
		}
		at = append(at, p.tree.position(pos))
	}
	return at
}

func isField(n ast.Node) bool {
	_, ok := n.(*ast.Field)
	return ok
}
