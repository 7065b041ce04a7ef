package engine

import (
	"errors"
	"fmt"
	"io/fs"
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
type ExistsError struct{ Files []string }

func (e *ExistsError) Error() string {
	return strings.Join(e.Files, ", ") + ": there already, and never overwritten; nothing was written. Choose another folder, or move them away"
}

// Lay writes the files, and a CUE module where none lies above. It writes
// nothing when one of the files is there. The answer is what it wrote, sorted,
// relative to the folder; "cue.mod/module.cue" is among it when it made one.
func (s Scaffold) Lay() (written []string, err error) {
	if err := s.free(); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(s.Dir, 0o777); err != nil {
		return nil, fmt.Errorf("init: %w", err)
	}
	files := map[string][]byte{}
	for p, text := range s.Files {
		files[p] = text
	}
	if _, err := os.Lstat(filepath.Join(s.Dir, ignoreFile)); errors.Is(err, fs.ErrNotExist) {
		files[ignoreFile] = []byte("# The sandbox, and records that are kept in a folder.\n.domctl/\n")
	}
	src, err := compiler.Find(s.Dir)
	if errors.Is(err, compiler.ErrNoModule) {
		files[moduleFile] = moduleText(s.Dir)
		src.Root, err = s.Dir, nil
	}
	if err != nil {
		return nil, err
	}
	for _, p := range schema.Sorted(files) {
		if err := create(filepath.Join(s.Dir, filepath.FromSlash(p)), files[p]); err != nil {
			return written, err
		}
		written = append(written, p)
	}
	for _, d := range s.Deployments {
		vendored, err := Vendor(filepath.Join(s.Dir, filepath.FromSlash(d)))
		if err != nil {
			return written, err
		}
		if slices.Contains(vendored, vendorDir+"/schema.cue") {
			written = append(written, vendorDir+"/")
		}
		written = append(written, path.Join(d, kindsFile))
	}
	slices.Sort(written)
	return written, nil
}

// free refuses a folder that holds one of the files, or is none.
func (s Scaffold) free() error {
	if fi, err := os.Stat(s.Dir); err == nil && !fi.IsDir() {
		return fmt.Errorf("%s is a file; init makes a folder a deployment", s.Dir)
	}
	var there []string
	for _, p := range schema.Sorted(s.Files) {
		name := filepath.Join(s.Dir, filepath.FromSlash(p))
		if _, err := os.Lstat(name); err == nil {
			there = append(there, name)
		}
	}
	if len(there) > 0 {
		return &ExistsError{there}
	}
	return nil
}

const (
	moduleFile = "cue.mod/module.cue"
	kindsFile  = "kinds.cue"
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
	return errors.Join(err, f.Close())
}

// Vendor writes this version's schema under cue.mod/pkg and kinds.cue into a
// deployment's folder, for `cue vet` and editors; domctl itself uses neither. It
// answers the files that differed, relative to the module's root.
func Vendor(dir string) (changed []string, err error) {
	src, err := compiler.Find(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{path.Join(src.Dir, kindsFile): schema.KindsFile()}
	for name, text := range schema.Files() {
		files[path.Join(vendorDir, name)] = text
	}
	for _, p := range schema.Sorted(files) {
		name := filepath.Join(src.Root, filepath.FromSlash(p))
		if old, err := os.ReadFile(name); err == nil && string(old) == string(files[p]) {
			continue
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return changed, fmt.Errorf("schema: %w", err)
		}
		if err := os.WriteFile(name, files[p], 0o666); err != nil {
			return changed, fmt.Errorf("schema: %w", err)
		}
		changed = append(changed, p)
	}
	return changed, nil
}
