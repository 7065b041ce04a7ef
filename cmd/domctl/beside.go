package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// beside reads what another deployment has applied, whose folder lies beside this one;
// there is false where no folder is of that name, or nothing was recorded yet.
func (d *deployment) beside(ctx context.Context, name string) (applied schema.Applied, there bool, err error) {
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
		alone, _, err := compiler.Alone(ctx, src)
		switch {
		case err != nil:
			broken = append(broken, err)
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
