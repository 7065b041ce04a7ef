// Package examples holds runnable deployments: what `domctl init` starts a
// folder from and what the tests run. Each is plain files; see the folders.
// The package reads nothing but what is embedded in it.
package examples

import (
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed classic eks empty launchconfig rolling shared terraform
var files embed.FS

const (
	worldFile = "sandbox.json"
	// beforeDir holds files as they were when they were last applied.
	beforeDir = "before"
)

// Example is one set of deployments under a common root. Paths are slash
// separated.
type Example struct {
	Name string
	// Files are those of a user's tree by path; the sandbox's world stands in
	// .domctl/sandbox.json of its deployment.
	Files map[string][]byte
	// Deployments are the folders below the root, "." when there is but one.
	Deployments []string
	before      map[string][]byte
}

// Names are the examples there are, sorted.
func Names() []string {
	entries, _ := files.ReadDir(".")
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names
}

// Get finds an example by name.
func Get(name string) (Example, error) {
	e := Example{Name: name, Files: map[string][]byte{}, before: map[string][]byte{}}
	if !slices.Contains(Names(), name) {
		return e, fmt.Errorf("there is no example %q; choose one of %s", name, strings.Join(Names(), ", "))
	}
	err := fs.WalkDir(files, name, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(p)
		if err == nil {
			e.add(strings.TrimPrefix(p, name+"/"), text)
		}
		return err
	})
	return e, err
}

func (e *Example) add(p string, text []byte) {
	dir, base := path.Split(p)
	switch {
	case base == worldFile:
		e.Files[path.Join(dir, ".domctl", worldFile)] = text
		e.Deployments = append(e.Deployments, path.Clean(dir))
	case path.Base(dir) == beforeDir:
		e.before[path.Join(dir, "..", base)] = text
	default:
		e.Files[p] = text
	}
}

// Before is the tree as it was when it was last applied, and whether it was
// applied at all.
func (e Example) Before() (tree map[string][]byte, applied bool) {
	tree = map[string][]byte{}
	for p, text := range e.Files {
		tree[p] = text
	}
	for p, text := range e.before {
		tree[p] = text
	}
	return tree, len(e.before) > 0
}
