package compiler

import (
	"fmt"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"

	"domctl.dev/schema"
)

// leftOut finds CUE files that are no part of the package, which CUE passes over
// in silence: in the deployment's folder each is a mistake, since whatever it
// states would be unset. In a folder above files of other packages are nothing
// to the deployment, unless the name was mistyped or forgotten.
func (t *tree) leftOut(dir string, files []*ast.File) (found []schema.Finding) {
	for _, name := range t.packageFiles(dir) {
		if t.owned(name) || slices.ContainsFunc(files, func(f *ast.File) bool { return f.Filename == "/"+name }) {
			continue
		}
		text, err := t.ReadFile(name)
		if err != nil {
			continue // a finding already
		}
		f, err := parser.ParseFile(name, text, parser.PackageClauseOnly)
		if err != nil {
			continue // it is said by who reads the package
		}
		t.ignored[name] = true
		message, hint := whyLeftOut(name, f.PackageName())
		switch at := t.clause(name, f); {
		case message == "":
		case path.Dir(name) == dir:
			found = append(found, schema.Finding{Code: codeLeftOut, Severity: schema.Error, Message: message, Hint: hint, Positions: at})
		case f.PackageName() == "" || schema.Nearest(f.PackageName(), []string{packageName}) != "":
			found = append(found, schema.Finding{Code: codeLeftOut, Severity: schema.Warning, Message: message + "; it is not inherited", Hint: hint, Positions: at})
		}
	}
	return append(found, t.drafts(dir)...)
}

// drafts warns of files in the deployment's folder that their name leaves out.
// Somebody may want that: it is no mistake.
func (t *tree) drafts(dir string) (found []schema.Finding) {
	entries, _ := t.ReadDir(dir) // what cannot be read is a finding already
	for _, e := range entries {
		if base := e.Name(); strings.HasPrefix(base, "_") && path.Ext(base) == ".cue" && e.Type().IsRegular() {
			found = append(found, schema.Finding{Code: codeLeftOut, Severity: schema.Warning, Message: base + " is left out by its name",
				Hint: "give it a name that does not begin with _, or move it away", Positions: []schema.Position{{File: base, Line: 1, Col: 1}}})
		}
	}
	return found
}

// whyLeftOut is empty for a file that leaves itself out by @if.
func whyLeftOut(name, pkg string) (message, hint string) {
	base := path.Base(name)
	switch {
	case pkg == "":
		return base + " belongs to no package", "write package " + packageName + " at its top, or move it away"
	case pkg != packageName:
		return fmt.Sprintf("%s belongs to package %s", base, pkg), "write package " + packageName + ", or move it away"
	case strings.HasSuffix(base, "_tool.cue"), strings.HasSuffix(base, "_test.cue"):
		return base + " is left out by its name", "give it a name that does not end in _tool or _test"
	}
	return "", ""
}

// clause is where a file names its package, else its beginning.
func (t *tree) clause(name string, f *ast.File) []schema.Position {
	for _, d := range f.Decls {
		if p, ok := d.(*ast.Package); ok {
			at := p.Pos().Position()
			return []schema.Position{{File: t.relative(name), Line: at.Line, Col: at.Column}}
		}
	}
	return []schema.Position{{File: t.relative(name), Line: 1, Col: 1}}
}
