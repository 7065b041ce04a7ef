package main

import (
	"context"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
)

// former compiles the deployment as it was at base, wherever it was there.
func (a *app) former(ctx context.Context, c *commits, name string) (f engine.Former, err error) {
	f.Ref, f.Commit = c.ref, c.base
	at := c.at
	module, there, err := c.repo.Above(c.base, at, "cue.mod")
	if err != nil {
		return f, err
	}
	if !there {
		module = "."
	}
	v, err := c.write(ctx, "base", c.base, module)
	if err != nil {
		return f, err
	}
	src, there, err := a.source(v, at)
	if err == nil && !there {
		src, f.Dir, err = a.moved(ctx, c, v, module, name)
		at = f.Dir
	}
	if err != nil {
		return f, err
	}
	if at == "" {
		f.Lacks = "holds no deployment in " + c.at
		return f, nil
	}
	f.Compiled, _, err = a.compileVersion(ctx, c, v, src)
	if files := v.pointers(f.Compiled, at); len(files) > 0 {
		f.Lacks = "keeps " + files[0] + " with git-lfs, so that what it held is not known"
	}
	return f, err
}

// moved is the folder in which a deployment of this name was, among those that are
// gone from head; "" is none.
func (a *app) moved(ctx context.Context, c *commits, v *tree, under, name string) (src compiler.Source, at string, err error) {
	all, err := v.deployments(ctx, under)
	if err != nil {
		return src, "", err
	}
	for _, at := range all {
		if c.present.holds(at) {
			continue
		}
		src, there, err := a.source(v, at)
		if err != nil {
			return src, "", err
		}
		if !there {
			continue
		}
		if alone, _, err := compiler.Alone(ctx, src); err != nil || alone.Name == name {
			return src, at, err
		}
	}
	return src, "", nil
}
