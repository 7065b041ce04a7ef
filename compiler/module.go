package compiler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/mod/modfile"
	cuemodule "cuelang.org/go/mod/module"

	"domctl.dev/schema"
)

const (
	// packageName is the package of every file of a deployment.
	packageName = "domino"
	moduleFile  = "cue.mod/module.cue"
	// kindsName is the file that ties a deployment to the schema.
	kindsName = "kinds.cue"
	// vendorDir is where the copy for editors and cue vet stands.
	vendorDir = "cue.mod/pkg/" + schema.ModulePath
)

// module reads cue.mod/module.cue. What is wrong with the module's own files is
// a finding: dependencies on other modules, and files that CUE would unify with
// packages in silence.
func (t *tree) module() (m module, found []schema.Finding) {
	text, err := fs.ReadFile(t, moduleFile)
	if errors.Is(err, errRefused) {
		return m, t.refusals()
	}
	if err != nil {
		return m, []schema.Finding{{Code: codeNoDeployment, Severity: schema.Error, Message: "there is no " + moduleFile, Hint: "domctl init"}}
	}
	f, err := parser.ParseFile("/"+moduleFile, text)
	if err != nil {
		return m, problems{tree: t}.of(err, codeMalformed)
	}
	for _, d := range f.Decls {
		field, ok := d.(*ast.Field)
		if !ok {
			continue
		}
		switch labelText(field.Label) {
		case "deps":
			found = append(found, t.dependency(t.position(field.Pos()), "dependencies on other modules"))
		case "module":
			m.path, _, _ = strings.Cut(textOf(field.Value), "@")
		case "language":
			m.language = textOf(field.Value)
		}
	}
	return m, append(found, t.strays()...)
}

// textOf is a string, in the struct of one field that may stand around it.
func textOf(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.BasicLit:
		s, _ := literal.Unquote(x.Value)
		return s
	case *ast.StructLit:
		if len(x.Elts) == 1 {
			if field, ok := x.Elts[0].(*ast.Field); ok {
				return textOf(field.Value)
			}
		}
	}
	return ""
}

func (t *tree) dependency(at schema.Position, message string) schema.Finding {
	return schema.Finding{Code: codeDependency, Severity: schema.Error, Message: message, Positions: []schema.Position{at},
		Hint: "copy what is needed into the tree; domctl takes no modules from elsewhere"}
}

// localModule is where CUE keeps replacements of modules.
const localModule = "cue.mod/local-module.cue"

// strays are files under cue.mod that are not domctl's and change what others
// mean.
func (t *tree) strays() (found []schema.Finding) {
	if _, err := fs.Stat(t, localModule); err == nil {
		found = append(found, t.dependency(schema.Position{File: t.relative(localModule), Line: 1, Col: 1}, "replacements of modules"))
	}
	ours := schema.Files()
	for _, dir := range []string{"cue.mod/gen", "cue.mod/pkg", "cue.mod/usr"} {
		_ = fs.WalkDir(t, dir, func(p string, d fs.DirEntry, err error) error {
			if err != nil {
				return nil // there is no such folder
			}
			name, vendored := strings.CutPrefix(p, vendorDir+"/")
			if _, known := ours[name]; !d.IsDir() && !(vendored && known) {
				found = append(found, schema.Finding{Code: codeStray, Severity: schema.Error, Message: "stray file under cue.mod",
					Hint:      "delete it; only domctl's schema belongs there",
					Positions: []schema.Position{{File: t.relative(p), Line: 1, Col: 1}}})
			}
			return nil
		})
	}
	return found
}

// noRegistry refuses to fetch modules: evaluation never needs the network.
type noRegistry struct{}

var errNoRegistry = errors.New("domctl takes no modules from a registry; copy what is needed into the tree")

func (noRegistry) ModFile(context.Context, cuemodule.Version) (*modfile.File, error) {
	return nil, errNoRegistry
}

func (noRegistry) Fetch(_ context.Context, v cuemodule.Version) (cuemodule.SourceLoc, error) {
	return cuemodule.SourceLoc{}, fmt.Errorf("%v: %w", v, errNoRegistry)
}

func (noRegistry) ModuleVersions(context.Context, string) ([]string, error) {
	return nil, errNoRegistry
}
