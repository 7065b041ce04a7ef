package compiler

import (
	"fmt"
	"slices"
	"strconv"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"

	"domctl.dev/schema"
)

// Without is the text of a CUE file without one element, a string or a number, of
// the list that stands at path: all else stays as it is written, comments and all.
// ok is false for a file that does not state the list there with that element once:
// what comes of a pattern, a comprehension or another file is for people.
func Without(name string, text []byte, path []string, element schema.Value) (out []byte, ok bool, err error) {
	f, err := parser.ParseFile(name, text)
	if err != nil {
		return nil, false, fmt.Errorf("%s: %w", name, err)
	}
	var cuts [][2]int
	for _, list := range listsAt(f.Decls, path) {
		for i, e := range list.Elts {
			if stated(e) != element {
				continue
			}
			from, to := e.Pos().Offset(), e.End().Offset()
			switch {
			case i+1 < len(list.Elts):
				to = list.Elts[i+1].Pos().Offset()
			case i > 0:
				from = list.Elts[i-1].End().Offset()
			}
			cuts = append(cuts, [2]int{from, to})
		}
	}
	if len(cuts) != 1 || cuts[0][0] < 0 || cuts[0][1] > len(text) {
		return nil, false, nil
	}
	return slices.Concat(text[:cuts[0][0]], text[cuts[0][1]:]), true, nil
}

// listsAt are the list literals that stand at a path of plain labels.
func listsAt(decls []ast.Decl, path []string) (lists []*ast.ListLit) {
	for _, d := range decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		if name, _, err := ast.LabelName(field.Label); err != nil || name != path[0] {
			continue
		}
		switch v := field.Value.(type) {
		case *ast.StructLit:
			if len(path) > 1 {
				lists = append(lists, listsAt(v.Elts, path[1:])...)
			}
		case *ast.ListLit:
			if len(path) == 1 {
				lists = append(lists, v)
			}
		}
	}
	return lists
}

// stated is a literal as a value; absent for any other expression.
func stated(e ast.Expr) schema.Value {
	lit, ok := e.(*ast.BasicLit)
	if !ok {
		return schema.Value{}
	}
	if n, err := strconv.ParseInt(lit.Value, 10, 64); err == nil {
		return schema.JSON(n)
	}
	if s, err := literal.Unquote(lit.Value); err == nil {
		return schema.JSON(s)
	}
	return schema.Value{}
}
