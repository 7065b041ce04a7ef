package compiler

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/parser"

	"domctl.dev/schema"
)

// Vendor writes this version's schema under cue.mod/pkg of the module at root,
// and kinds.cue into each of its deployments, for `cue vet` and editors; domctl
// itself uses neither. What an older version wrote there and this one does not
// have is removed. It answers the files that differed, relative to root,
// slash-separated.
func Vendor(root string) (changed []string, err error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, fmt.Errorf("vendor the schema: %w", err)
	}
	defer dir.Close()
	deployments, err := deploymentsIn(dir.FS())
	if err != nil {
		return nil, fmt.Errorf("vendor the schema: %w", err)
	}
	files := map[string][]byte{}
	for _, d := range deployments {
		files[path.Join(d, kindsName)] = schema.KindsFile()
	}
	for name, text := range schema.Files() {
		files[path.Join(vendorDir, name)] = text
	}
	old, err := fs.Glob(dir.FS(), vendorDir+"/*.cue")
	if err != nil {
		return nil, fmt.Errorf("vendor the schema: %w", err)
	}
	for _, name := range old {
		if _, ok := files[name]; !ok {
			files[name] = nil
		}
	}
	for _, name := range schema.Sorted(files) {
		did, err := put(dir, name, files[name])
		if err != nil {
			return changed, fmt.Errorf("vendor the schema: %w", err)
		}
		if did {
			changed = append(changed, name)
		}
	}
	return changed, nil
}

// put makes a file what it should be, nil for absent, and says whether it was
// not.
func put(dir *os.Root, name string, text []byte) (changed bool, err error) {
	old, err := dir.ReadFile(filepath.FromSlash(name))
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return false, err
	case text == nil:
		return true, dir.Remove(filepath.FromSlash(name))
	case err == nil && bytes.Equal(old, text):
		return false, nil
	}
	if err := dir.MkdirAll(filepath.FromSlash(path.Dir(name)), 0o777); err != nil {
		return false, err
	}
	return true, dir.WriteFile(filepath.FromSlash(name), text, 0o666)
}

// deploymentsIn finds the folders that are deployments: those that state
// `deployment` in package domino, or hold kinds.cue, and have no such folder
// below them, since what stands above a deployment is inherited.
func deploymentsIn(files fs.FS) (dirs []string, err error) {
	err = fs.WalkDir(files, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && p != "." && (strings.HasPrefix(d.Name(), ".") || d.Name() == "cue.mod" || isModule(files, p)):
			return fs.SkipDir
		case d.Type().IsRegular() && strings.HasSuffix(p, ".cue") && statesDeployment(files, p):
			dirs = append(dirs, path.Dir(p))
		}
		return nil
	})
	slices.Sort(dirs)
	dirs = slices.Compact(dirs)
	above := func(d string) bool {
		return slices.ContainsFunc(dirs, func(o string) bool { return o != d && (d == "." || strings.HasPrefix(o, d+"/")) })
	}
	return slices.DeleteFunc(slices.Clone(dirs), above), err
}

// DeploymentsIn are the folders of the module at root that are deployments, seen
// from it, slash-separated and sorted. What cannot be read is an error.
func DeploymentsIn(root string) ([]string, error) {
	dir, err := os.OpenRoot(root)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	return deploymentsIn(dir.FS())
}

// Deployments are the folders of dir's module whose files state a deployment, as
// paths from dir: "." is dir itself. It reads all files of the module.
func Deployments(dir string) (found []string) {
	src, err := Find(dir)
	if err != nil {
		return nil
	}
	all, err := deploymentsIn(os.DirFS(src.Root))
	if err != nil {
		return nil
	}
	for _, d := range all {
		if from, err := filepath.Rel(filepath.FromSlash(src.Dir), filepath.FromSlash(d)); err == nil {
			found = append(found, from)
		}
	}
	return found
}

func isModule(files fs.FS, dir string) bool {
	_, err := fs.Stat(files, path.Join(dir, "cue.mod"))
	return err == nil
}

// statesDeployment looks into a file that is one, and no larger than a compile reads:
// it is asked of whatever lies in the tree.
func statesDeployment(files fs.FS, name string) bool {
	if fi, err := fs.Stat(files, name); err != nil || !fi.Mode().IsRegular() || fi.Size() > maxFile {
		return false
	}
	text, err := fs.ReadFile(files, name)
	if err != nil || !bytes.Contains(text, []byte("deployment")) {
		return false
	}
	f, err := parser.ParseFile(name, text)
	if err != nil || f.PackageName() != packageName {
		return false
	}
	return path.Base(name) == kindsName || slices.ContainsFunc(f.Decls, func(d ast.Decl) bool {
		field, ok := d.(*ast.Field)
		return ok && labelText(field.Label) == "deployment"
	})
}

// vendored says whether the copies for editors are this version's. A tree
// without any is no worse for domctl.
func (t *tree) vendored() (found []schema.Finding) {
	ours := schema.Files()
	stale := func(name string, text []byte) bool {
		old, err := t.beneath(name)
		return err == nil && !bytes.Equal(old, text)
	}
	old := stale(path.Join(t.dir, kindsName), schema.KindsFile())
	at := path.Join(t.dir, kindsName)
	for _, name := range schema.Sorted(ours) {
		if p := path.Join(vendorDir, name); stale(p, ours[name]) {
			old, at = true, p
		}
	}
	if !old {
		return nil
	}
	return []schema.Finding{{Code: codeVendored, Severity: schema.Warning, Hint: "domctl schema vendor",
		Message:   "the copy of the schema for editors is not this version's",
		Positions: []schema.Position{{File: t.relative(at), Line: 1, Col: 1}}}}
}
