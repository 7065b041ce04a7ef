package compiler

import (
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/inject/embed"
	"cuelang.org/go/cue/load"

	"domctl.dev/schema"
)

// loaded is an evaluated package.
type loaded struct {
	tree   *tree
	value  cue.Value
	files  []*ast.File     // the user's, without domctl's own
	failed map[string]bool // paths that a finding tells of
	plain  []placed        // objects that need no evaluation
}

// evaluate parses, builds and validates a package. A nil package means that
// nothing can be read from it.
func evaluate(t *tree, src Source) (*loaded, []schema.Finding) {
	module, findings := t.module()
	if len(findings) > 0 {
		return nil, findings
	}
	cfg := &load.Config{
		FS: t, Dir: path.Join("/", src.Dir), ModuleRoot: "/", Package: packageName, ParseFile: t.parseAhead(src.Dir, module),
		Tags: src.Tags, Registry: noRegistry{}, Env: []string{},
	}
	inst := load.Instances([]string{"."}, cfg)[0]
	pkg := &loaded{tree: t, failed: map[string]bool{}}
	for _, f := range inst.Files {
		if !t.owned(f.Filename) {
			pkg.files = append(pkg.files, f)
		}
	}
	t.onlyPackages()
	var leftOut []schema.Finding
	if !t.alone {
		leftOut = append(t.leftOut(src.Dir, inst.Files), t.misplaced()...)
	}
	here := func(f *ast.File) bool { return path.Dir(strings.TrimPrefix(f.Filename, "/")) == src.Dir }
	switch {
	case inst.Err == nil && !slices.ContainsFunc(pkg.files, here):
		return nil, append(leftOut, schema.Finding{Code: codeNoDeployment, Severity: schema.Error,
			Message: "no CUE files of package " + packageName + " in " + src.Dir, Hint: "domctl init"})
	case inst.Err != nil:
		return nil, slices.Concat(leftOut, t.refusals(), pkg.findings(inst.Err, codeMalformed))
	}
	if !t.evaluateAll {
		pkg.plain = takePlain(t, pkg.files)
	}
	pkg.value = cuecontext.New(cuecontext.WithInjection(embed.New())).BuildInstance(inst)
	found := append(t.refusals(), pkg.findings(pkg.value.Validate(cue.Concrete(true)), codeFailed)...)
	p := problems{t, pkg.files}
	if len(found) > 0 {
		found = append(found, p.unknownFields(pkg.failed)...)
	}
	return pkg, slices.Concat(found, leftOut, p.unknownRoots(pkg.unknownRoots()))
}

// unbuilt says that CUE made nothing of the package: it refers to what is not there.
func (pkg *loaded) unbuilt() bool {
	return !slices.ContainsFunc(schema.Roots(), func(root string) bool { return pkg.value.LookupPath(cue.ParsePath(root)).Exists() })
}

// unknownRoots are the regular fields of the package that are no root of the
// schema.
func (pkg *loaded) unknownRoots() (names []string) {
	for _, f := range pkg.files {
		for _, d := range f.Decls {
			if field, ok := d.(*ast.Field); ok && isPlainLabel(field.Label) {
				names = append(names, labelText(field.Label))
			}
		}
	}
	for name := range fields(pkg.value) {
		names = append(names, name)
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return slices.Contains(schema.Roots(), name) })
}

func (pkg *loaded) findings(err error, code string) []schema.Finding {
	for _, e := range errors.Errors(err) {
		pkg.failed[pathKey(unquote(e.Path()))] = true
	}
	return problems{pkg.tree, pkg.files}.of(err, code)
}
