package compiler

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"strings"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/inject/embed"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/load"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/mod/modfile"
	"cuelang.org/go/mod/module"

	"domctl.dev/schema"
)

// loaded is an evaluated package.
type loaded struct {
	tree  *tree
	value cue.Value
	files []*ast.File // the user's, without domctl's own
}

// evaluate parses, builds and validates a package. A nil package means that
// nothing can be read from it.
func evaluate(t *tree, src Source) (*loaded, []schema.Finding) {
	module, err := t.module()
	if err != nil {
		return nil, t.findings(err)
	}
	cfg := &load.Config{
		FS: t, Dir: path.Join("/", src.Dir), ModuleRoot: "/", Package: "domino", ParseFile: parseFor(module),
		Tags: src.Tags, Registry: noRegistry{}, Env: []string{},
	}
	inst := load.Instances([]string{"."}, cfg)[0]
	if inst.Err != nil {
		return nil, t.findings(inst.Err)
	}
	v := cuecontext.New(cuecontext.WithInjection(embed.New())).BuildInstance(inst)
	pkg := &loaded{tree: t, value: v}
	for _, f := range inst.Files {
		if !t.owned(f.Filename) {
			pkg.files = append(pkg.files, f)
		}
	}
	if err := v.Err(); err != nil && !v.Exists() {
		return nil, t.findings(err)
	}
	return pkg, t.findings(v.Validate(cue.Concrete(true)))
}

// module is the import path of the module's root, as cue.mod/module.cue says.
func (t *tree) module() (string, error) {
	const name = "cue.mod/module.cue"
	text, err := fs.ReadFile(t, name)
	if err != nil {
		return "", err
	}
	f, err := modfile.Parse(text, "/"+name)
	if err != nil {
		return "", err
	}
	module, _, _ := strings.Cut(f.Module, "@")
	return module, nil
}

// parseFor parses files of a module so that they import domctl's schema from
// where the tree has it.
func parseFor(module string) func(string, any, parser.Config) (*ast.File, error) {
	return func(name string, src any, cfg parser.Config) (*ast.File, error) {
		f, err := parser.ParseFile(name, src, cfg)
		if err != nil {
			return f, err
		}
		for spec := range f.ImportSpecs() {
			p, _ := literal.Unquote(spec.Path.Value)
			if p == schema.ModulePath || strings.HasPrefix(p, schema.ModulePath+":") {
				spec.Path.Value = literal.String.Quote(module + "/" + p)
			}
		}
		return f, nil
	}
}

// noRegistry refuses to fetch modules: evaluation never needs the network.
type noRegistry struct{}

var errNoRegistry = errors.New("domctl takes no modules from a registry; copy what is needed into the tree")

func (noRegistry) ModFile(context.Context, module.Version) (*modfile.File, error) {
	return nil, errNoRegistry
}

func (noRegistry) Fetch(context.Context, module.Version) (module.SourceLoc, error) {
	return module.SourceLoc{}, errNoRegistry
}

func (noRegistry) ModuleVersions(context.Context, string) ([]string, error) {
	return nil, errNoRegistry
}
