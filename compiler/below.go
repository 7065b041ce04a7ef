package compiler

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"

	"domctl.dev/schema"
)

// Limits on the folders that are looked through below a deployment's: beyond them
// lies data, not what somebody misplaced.
const (
	maxBelow  = 500
	deepBelow = 4
)

// below finds files of the package in folders below the deployment's, which no
// deployment reads: neither this one, since CUE looks upwards only, nor one of
// its own there. It refuses nothing, and what cannot be read is nothing to it.
func (t *tree) below() []schema.Position {
	s := search{t: t}
	s.folder(t.dir, 0)
	slices.SortFunc(s.found, schema.Position.Compare)
	var text bytes.Buffer
	for _, p := range s.found {
		fmt.Fprintf(&text, "%s\x00", p)
	}
	t.note(question{askBelow, t.dir}, digestOf(text.Bytes()), nil)
	return s.found
}

type search struct {
	t       *tree
	folders int
	found   []schema.Position
}

// folder says whether a folder is or holds a deployment: such a one reads what
// lies above it.
func (s *search) folder(dir string, depth int) (deployment bool) {
	entries, err := fs.ReadDir(s.t.files, dir)
	if s.folders++; err != nil || s.folders > maxBelow || depth > deepBelow {
		return false
	}
	if depth > 0 && slices.ContainsFunc(entries, func(e fs.DirEntry) bool {
		return slices.Contains([]string{kindsName, "deployment.cue", ".domctl", ".git"}, e.Name())
	}) {
		return true
	}
	var here []schema.Position
	for _, e := range entries {
		name := path.Join(dir, e.Name())
		switch {
		case passedOver(e.Name()) || e.Name() == "cue.mod":
		case e.IsDir():
			deployment = s.folder(name, depth+1) || deployment
		case depth > 0 && strings.HasSuffix(e.Name(), ".cue") && e.Type().IsRegular():
			at, states := s.file(name)
			here, deployment = append(here, at...), deployment || states
		}
	}
	if !deployment {
		s.found = append(s.found, here...)
	}
	return deployment
}

// file answers where a file names the package, none if it is of another, and
// whether it states who a deployment is.
func (s *search) file(name string) (at []schema.Position, deployment bool) {
	info, err := fs.Stat(s.t.files, name)
	if err != nil || info.Size() > maxFile {
		return nil, false
	}
	text, err := fs.ReadFile(s.t.files, name)
	if err != nil {
		return nil, false
	}
	f, err := parser.ParseFile(name, text, parser.PackageClauseOnly)
	if err != nil || f.PackageName() != packageName {
		return nil, false
	}
	at = s.t.clause(name, f)
	if f, err = parser.ParseFile(name, text); err != nil {
		return at, false
	}
	return at, slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		field, ok := d.(*ast.Field)
		return ok && labelText(field.Label) == "deployment"
	})
}

// misplaced warns of files that below finds. They cannot be imported either: of
// one package with what lies above them, they would import themselves.
func (t *tree) misplaced() (found []schema.Finding) {
	for _, at := range t.below() {
		found = append(found, schema.Finding{Code: codeLeftOut, Severity: schema.Warning, Positions: []schema.Position{at},
			Message: at.File + " lies in a folder below the deployment's, and is not read", Hint: "move it up, or name its package otherwise"})
	}
	return found
}
