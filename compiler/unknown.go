package compiler

import (
	"cuelang.org/go/cue/ast"

	"domctl.dev/schema"
)

// unknownFields finds fields that the schema does not know by reading the
// files alone: of a struct that fails for another reason CUE does not tell
// them, and people want all errors at once.
func (p problems) unknownFields(failed map[string]bool) (found []schema.Finding) {
	for _, f := range p.files {
		for _, d := range f.Decls {
			if field, ok := d.(*ast.Field); ok {
				if r := ruleAt([]string{labelText(field.Label)}); r != nil {
					found = append(found, p.unknownBelow(field, r, failed)...)
				}
			}
		}
	}
	return found
}

func (p problems) unknownBelow(top *ast.Field, r *rule, failed map[string]bool) (found []schema.Finding) {
	var below func(e ast.Expr, r *rule, path []string)
	below = func(e ast.Expr, r *rule, path []string) {
		lit, ok := e.(*ast.StructLit)
		o := r.object()
		if !ok || o == nil {
			return
		}
		for _, d := range lit.Elts {
			field, ok := d.(*ast.Field)
			if !ok || !isPlainLabel(field.Label) {
				continue
			}
			name := labelText(field.Label)
			at := append(path[:len(path):len(path)], name)
			if m := o.member(name); m != nil {
				below(field.Value, m.rule, at)
			} else if !failed[pathKey(at)] {
				f := schema.Finding{Severity: schema.Error, Address: addressOf(at), Positions: []schema.Position{p.tree.position(field.Pos())}}
				p.unknownField(&f, at, p.relative(at, f.Address))
				found = append(found, f)
			}
		}
	}
	below(top.Value, r, []string{labelText(top.Label)})
	return found
}

// unknownRoots finds fields at the root that are neither a kind nor hidden. CUE
// lets them pass: this verdict is domctl's own.
func (p problems) unknownRoots(roots []string) (found []schema.Finding) {
	for _, name := range roots {
		found = append(found, schema.Finding{Code: codeUnknownRoot, Severity: schema.Error,
			Message: "unknown field " + schema.JoinPath(name) + " at the root", Hint: schema.DidYouMean(name, schema.Roots()),
			Positions: p.nearestPlace([]string{name})})
	}
	return found
}

// isPlainLabel says whether a label is a name or a string, and no pattern,
// expression, hidden field or definition.
func isPlainLabel(l ast.Label) bool {
	switch x := l.(type) {
	case *ast.Ident:
		return x.Name[0] != '_' && x.Name[0] != '#'
	case *ast.BasicLit:
		_, _, err := ast.LabelName(x)
		return err == nil
	}
	return false
}
