// Package compiler turns a folder of CUE files into schema.Desired: it loads
// them, ties them to domctl's own schema, evaluates the package once, and reads
// every stated value and every place that contributed to it.
//
// It never touches the network, runs nothing, and reads nothing outside the
// tree. Everything that is wrong with the files is a finding; an error is only
// what the files cannot help, a disk that fails. The engine calls it.
package compiler

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"domctl.dev/schema"
)

// Source is one deployment's folder within a CUE module on disk.
type Source struct {
	Root string // folder that holds cue.mod
	Dir  string // the deployment's folder below Root, slash-separated; "." is Root itself

	// Tags are CUE's build tags and injected values: "key" or "key=value".
	Tags []string
}

// Result is all there is to know of a deployment's files.
type Result struct {
	Desired  schema.Desired
	Resolved schema.Resolved
	Findings []schema.Finding
	// Files are those that were read, relative to the deployment's folder,
	// slash-separated and sorted; domctl's own schema is not among them.
	Files []string
}

// ErrNoModule says that no folder above holds cue.mod.
var ErrNoModule = errors.New("no cue.mod here or in a folder above; `domctl init` makes one")

// Find makes a Source of a deployment's folder by looking for cue.mod in it and
// above it.
func Find(dir string) (Source, error) {
	abs, err := filepath.Abs(dir)
	if err != nil {
		return Source{}, err
	}
	if abs, err = filepath.EvalSymlinks(abs); err != nil {
		return Source{}, err
	}
	for root := abs; ; root = filepath.Dir(root) {
		if fi, err := os.Stat(filepath.Join(root, "cue.mod")); err == nil && fi.IsDir() {
			rel, err := filepath.Rel(root, abs)
			return Source{Root: root, Dir: filepath.ToSlash(rel)}, err
		}
		if root == filepath.Dir(root) {
			return Source{}, fmt.Errorf("%s: %w", dir, ErrNoModule)
		}
	}
}

// Compile reads one deployment. The error is for what is not the files' fault;
// all that is stands in the findings, and then Desired holds what could be
// read.
func Compile(ctx context.Context, src Source) (Result, error) {
	root, err := os.OpenRoot(src.Root)
	if err != nil {
		return Result{}, fmt.Errorf("open the module: %w", err)
	}
	defer root.Close()
	return compile(ctx, root.FS(), src)
}

func compile(ctx context.Context, files fs.FS, src Source) (Result, error) {
	if err := ctx.Err(); err != nil {
		return Result{}, err
	}
	t := newTree(files, src.Dir)
	pkg, findings := evaluate(t, src)
	r := Result{Desired: schema.Desired{Objects: map[schema.Address]schema.Object{}}, Findings: findings}
	if pkg != nil {
		read(pkg, &r)
		r.finish()
	}
	r.Files = t.Files()
	r.Findings = schema.SortFindings(schema.Police(r.Findings, r.Desired.Deployment.Findings))
	return r, nil
}

// finish completes the objects and checks them against one another.
func (r *Result) finish() {
	r.resolve()
	for a, o := range r.Desired.Objects {
		if k, _ := schema.KindOf(a.Kind); k.Spread != nil {
			r.Desired.Objects[a] = k.Spread(a.Name, o)
		}
	}
	r.Findings = append(r.Findings, check(r.Desired, r.Findings)...)
}
