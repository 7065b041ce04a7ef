package main

import (
	"cmp"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"domctl.dev/compiler"
)

// mostFile is how large a CUE file may be that is looked through, bytes.
const mostFile = 16 << 20

// beside reads the CUE files of the repository that the deployment's folder is in, or
// of its CUE module where that is none, by name. What cannot be read is an error:
// what it says is not known.
func (d *deployment) beside(ctx context.Context) (map[string][]byte, error) {
	src, err := compiler.Find(d.dir)
	if err != nil {
		return nil, err
	}
	top, err := os.OpenRoot(repository(src.Root))
	if err != nil {
		return nil, err
	}
	defer top.Close()
	files, tree := map[string][]byte{}, top.FS()
	err = fs.WalkDir(tree, ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil || ctx.Err() != nil:
			return fmt.Errorf("%s: %w", name, cmp.Or(err, ctx.Err()))
		case e.IsDir() && (e.Name() == "cue.mod" || len(e.Name()) > 1 && strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case e.IsDir() || path.Ext(name) != ".cue":
			return nil
		}
		at, err := fs.Stat(tree, name)
		if err == nil && (!at.Mode().IsRegular() || at.Size() > mostFile) {
			err = fmt.Errorf("is no regular file of at most %d MiB", mostFile>>20)
		}
		if err == nil {
			files[name], err = fs.ReadFile(tree, name)
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return nil
	})
	return files, err
}

// repository is the folder above that holds .git, or the one given.
func repository(root string) string {
	for at := root; ; at = filepath.Dir(at) {
		if _, err := os.Stat(filepath.Join(at, ".git")); err == nil {
			return at
		}
		if at == filepath.Dir(at) {
			return root
		}
	}
}
