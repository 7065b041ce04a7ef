package compiler

import (
	"path"
	"regexp"
	"runtime"
	"strings"
	"sync"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"

	"domctl.dev/schema"
)

// module is what cue.mod/module.cue says: the import path of its root and the
// version of the language.
type module struct{ path, language string }

// parseFunc is how cue/load has files parsed.
type parseFunc func(name string, src any, cfg parser.Config) (*ast.File, error)

// parsed is a file that was parsed before CUE asked for it.
type parsed struct {
	file *ast.File
	err  error
}

// release is the form of a language version that needs no completion.
var release = regexp.MustCompile(`^v[0-9]+\.[0-9]+\.[0-9]+$`)

// parseAhead parses the files of a deployment side by side, since CUE would
// parse them one after the other, and gives them out when it asks.
func (t *tree) parseAhead(dir string, m module) parseFunc {
	if !release.MatchString(m.language) {
		return m.parse
	}
	cfg := parser.NewConfig(parser.ParseComments, parser.Version(m.language))
	names := t.packageFiles(dir)
	ahead := make([]parsed, len(names))
	index := make(map[string]int, len(names))
	var wait sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(names); i += workers {
				if text, err := t.ReadFile(names[i]); err == nil {
					ahead[i].file, ahead[i].err = m.parse("/"+names[i], text, cfg)
				}
			}
		})
	}
	wait.Wait()
	for i, name := range names {
		index["/"+name] = i
	}
	return func(name string, src any, c parser.Config) (*ast.File, error) {
		if i, ok := index[name]; ok && c == cfg && ahead[i] != (parsed{}) {
			p := ahead[i]
			ahead[i] = parsed{} // each tree is given out once: CUE writes on it
			return p.file, p.err
		}
		return m.parse(name, src, c)
	}
}

// packageFiles are the CUE files of a folder and of those above it.
func (t *tree) packageFiles(dir string) (names []string) {
	for ; ; dir = path.Dir(dir) {
		entries, err := t.ReadDir(dir)
		if err != nil {
			return names
		}
		for _, e := range entries {
			if strings.HasSuffix(e.Name(), ".cue") && e.Type().IsRegular() && !passedOver(e.Name()) {
				names = append(names, path.Join(dir, e.Name()))
			}
		}
		if dir == "." {
			return names
		}
	}
}

// parse parses a file of the module so that it imports domctl's schema from
// where the tree has it.
func (m module) parse(name string, src any, cfg parser.Config) (*ast.File, error) {
	f, err := parser.ParseFile(name, src, cfg)
	if err != nil {
		return f, err
	}
	for spec := range f.ImportSpecs() {
		p, _ := literal.Unquote(spec.Path.Value)
		if p == schema.ModulePath || strings.HasPrefix(p, schema.ModulePath+":") {
			spec.Path.Value = literal.String.Quote(m.path + "/" + p)
		}
	}
	return f, nil
}
