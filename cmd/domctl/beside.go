package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// mostFile is how large a CUE file may be that is looked through, bytes.
const mostFile = 16 << 20

// beside reads the CUE files of the repository that the deployment's folder is in, or
// of its CUE module where that is none, by name. What cannot be read is an error:
// what it says is not known.
func (d *deployment) beside(ctx context.Context) (map[string][]byte, error) {
	above, err := d.repository()
	if err != nil {
		return nil, err
	}
	top, err := os.OpenRoot(above)
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

// repository is the top of the tree that the files are of.
func (d *deployment) repository() (string, error) {
	if d.at != nil {
		return d.at.top, nil
	}
	src, err := compiler.Find(d.dir)
	return repository(src.Root), err
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

// otherApplied reads what another deployment has applied, whose folder lies beside this one;
// there is false where no folder is of that name, or nothing was recorded yet.
func (d *deployment) otherApplied(ctx context.Context, name string) (applied schema.Applied, there bool, err error) {
	dir, err := filepath.Abs(d.dir)
	if err != nil {
		return applied, false, err
	}
	entries, err := os.ReadDir(filepath.Dir(dir))
	if err != nil {
		return applied, false, err
	}
	var broken []error
	for _, e := range entries {
		other := filepath.Join(filepath.Dir(dir), e.Name())
		if !e.IsDir() || other == dir {
			continue
		}
		src, err := compiler.Find(other)
		if err != nil {
			continue // no folder of a deployment
		}
		d.limits.apply(&src)
		alone, findings, err := compiler.Alone(ctx, src)
		switch wrong := slices.IndexFunc(findings, func(f schema.Finding) bool { return f.Severity == schema.Error }); {
		case err != nil:
			broken = append(broken, err)
		case wrong >= 0 && findings[wrong].Code == "DC008": // nothing there states a deployment
		case wrong >= 0:
			broken = append(broken, fmt.Errorf("%s does not tell whose files they are: %s", e.Name(), findings[wrong].Message))
		case alone.Name == name:
			return recordsOf(ctx, other, alone)
		}
	}
	return applied, false, errors.Join(broken...)
}

func recordsOf(ctx context.Context, dir string, of schema.Deployment) (schema.Applied, bool, error) {
	other := deployment{dir: dir, compiled: compiler.Result{Desired: schema.Desired{Deployment: of}}}
	store, err := other.store(ctx)
	if err != nil {
		return schema.Applied{}, false, err
	}
	applied, etag, err := applier.ReadApplied(ctx, store, of.Name)
	return applied, etag != "", err
}
