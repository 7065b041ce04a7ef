package engine

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// Scaffold is a tree of files to lay into a folder.
type Scaffold struct {
	Dir         string
	Files       map[string][]byte // by slash-separated path below Dir
	Deployments []string          // folders below Dir that are deployments
}

// ExistsError names the files that a scaffold would have overwritten.
type ExistsError struct {
	Files      []string
	Deployment string // the folder, where it is a deployment; else ""
}

func (e *ExistsError) Error() string {
	if e.Deployment != "" {
		return e.Deployment + " is a deployment already, and nothing was written: domctl plan " + e.Deployment + " shows what an apply would do; another folder makes another one"
	}
	return strings.Join(e.Files, ", ") + ": there already, and never overwritten; nothing was written. Choose another folder, or move them away"
}

// Lay writes the files, and a CUE module where none lies above. It writes
// nothing when one of the files is there, and takes back what it wrote when one
// cannot be written, so that it can be tried again. The answer is what it wrote,
// sorted, relative to the folder.
func (s Scaffold) Lay() (written []string, err error) {
	if err := s.free(); err != nil {
		return nil, err
	}
	root, made, err := module(s.Dir)
	if err != nil {
		return nil, err
	}
	files := maps.Clone(s.Files)
	if made {
		files[moduleFile] = moduleText(s.Dir)
	}
	if _, err := os.Lstat(filepath.Join(s.Dir, ignoreFile)); errors.Is(err, fs.ErrNotExist) {
		files[ignoreFile] = []byte("# The sandbox, and records that are kept in a folder.\n.domctl/\n")
	}
	defer func() {
		if err == nil {
			return
		}
		for _, p := range written {
			_ = os.Remove(filepath.Join(s.Dir, filepath.FromSlash(p))) // not the schema's folder
		}
		written = nil
	}()
	for _, p := range schema.Sorted(files) {
		if err := create(filepath.Join(s.Dir, filepath.FromSlash(p)), files[p]); err != nil {
			return written, err
		}
		written = append(written, p)
	}
	vendored, err := s.vendor(root)
	written = append(written, vendored...)
	slices.Sort(written)
	return slices.Compact(written), err
}

// vendor answers what it wrote relative to the folder, the schema as one.
func (s Scaffold) vendor(root string) (written []string, err error) {
	dir, err := resolve(s.Dir)
	if err != nil {
		return nil, err
	}
	changed, err := compiler.Vendor(root)
	for _, p := range changed {
		if path.Dir(p) == vendorDir {
			p = vendorDir
		}
		rel, failed := filepath.Rel(dir, filepath.Join(root, filepath.FromSlash(p)))
		written, err = append(written, filepath.ToSlash(rel)), errors.Join(err, failed)
	}
	return written, err
}

func resolve(dir string) (string, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	return filepath.EvalSymlinks(abs)
}

// module finds the root of the module that a folder lies in, there or not yet.
// made says that there is none, or half of one, and the folder becomes one. A folder below a
// deployment is refused: it would inherit that one's files.
func module(dir string) (root string, made bool, err error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return "", false, err
	}
	there := abs
	for !exists(there) {
		there = filepath.Dir(there)
	}
	src, err := compiler.Find(there)
	if errors.Is(err, compiler.ErrNoModule) {
		return abs, true, nil
	}
	if err != nil {
		return "", false, err
	}
	above := src.Dir
	switch {
	case there == abs && above == ".":
		return src.Root, !exists(filepath.Join(src.Root, moduleFile)), nil
	case there == abs:
		above = path.Dir(above)
	}
	for ; ; above = path.Dir(above) {
		if is, _ := isDeployment(filepath.Join(src.Root, filepath.FromSlash(above))); is {
			return "", false, fmt.Errorf("%s lies below a deployment, %s, and would inherit its files; choose a folder beside that", dir, filepath.Join(src.Root, above))
		}
		if above == "." {
			return src.Root, false, nil
		}
	}
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

// free refuses a folder that holds one of the files, or is none.
func (s Scaffold) free() error {
	if fi, err := os.Stat(s.Dir); err == nil && !fi.IsDir() {
		return fmt.Errorf("%s is a file; init makes a folder a deployment", s.Dir)
	}
	var there []string
	for _, p := range schema.Sorted(s.Files) {
		if name := filepath.Join(s.Dir, filepath.FromSlash(p)); exists(name) {
			there = append(there, name)
		}
	}
	if len(there) == 0 {
		return nil
	}
	e := &ExistsError{Files: there}
	if is, _ := isDeployment(s.Dir); is && Locate(s.Dir) == nil {
		e.Deployment = s.Dir
	}
	return e
}

const (
	moduleFile = "cue.mod/module.cue"
	ignoreFile = ".gitignore"
	vendorDir  = "cue.mod/pkg/" + schema.ModulePath
)

// moduleText names the module after the folder.
func moduleText(dir string) []byte {
	name := "deployments"
	if abs, err := filepath.Abs(dir); err == nil {
		if n := moduleName(filepath.Base(abs)); n != "" {
			name = n
		}
	}
	return fmt.Appendf(nil, "module: \"domctl.local/%s\"\nlanguage: version: \"v0.12.0\"\n", name)
}

// moduleName keeps what may stand in a module's path.
func moduleName(s string) string {
	return strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, strings.ToLower(s)), "-")
}

// create writes a file that is not there yet, and the folders above it.
func create(name string, text []byte) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		_ = os.Remove(name)
		return fmt.Errorf("init: %w; nothing was kept", err)
	}
	return nil
}

// Vendor writes this version's schema into the module that a folder lies in, and
// kinds.cue into its deployments. It answers the files that differed, relative
// to the module's root.
func Vendor(dir string) (changed []string, err error) {
	src, err := compiler.Find(dir)
	if err != nil {
		return nil, err
	}
	return compiler.Vendor(src.Root)
}
