package main

import (
	"context"
	"errors"
	"path"
	"path/filepath"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/gitops"
	"domctl.dev/internal/secret"
	"domctl.dev/schema"
)

// bound is what a controller's configuration says of a deployment beside what stands
// in the deployment's own words.
type bound struct {
	gitops.Deployment
	name string
	logs string // folder
	all  map[string]gitops.Deployment
}

// records opens the store that a deployment is bound to.
func (b *bound) records(ctx context.Context) (applier.Store, error) {
	d := deployment{compiled: compiler.Result{Desired: schema.Desired{Deployment: b.Schema(b.name)}}, bound: b}
	return d.store(ctx)
}

// otherApplied is deployment.otherApplied for a deployment that is bound: another one
// is read where it is bound to, whatever trees say of it.
func (b *bound) otherApplied(ctx context.Context, name string) (applied schema.Applied, there bool, err error) {
	other, there := b.all[name]
	if !there {
		return applied, false, nil
	}
	store, err := (&bound{other, name, "", b.all}).records(ctx)
	if err != nil {
		return applied, false, err
	}
	applied, etag, err := applier.ReadApplied(ctx, store, name)
	return applied, etag != "", err
}

// secrets lets the tree have what it is allowed.
func (b *bound) secrets(r secret.Resolver) func(context.Context, string) (schema.Value, error) {
	return func(ctx context.Context, ref string) (schema.Value, error) {
		if err := b.Secret(ref); err != nil {
			return schema.Value{}, err
		}
		return r.Resolve(ctx, ref)
	}
}

// openBound compiles a commit's tree and opens its engine, unless it is not what the
// deployment is bound to. Whoever asks calls shut, also after an error.
func (a *app) openBound(ctx context.Context, b *bound, clone string, t gitops.Tree) (e *engine.Engine, shut func(), err error) {
	shut = func() {}
	at, dir := &tree{t.Commit, t.Dir, t.Written}, path.Clean(b.Dir)
	src, there, err := a.source(at, dir)
	if err == nil && !there {
		err = &engine.Invalid{Findings: []schema.Finding{{Code: "DC523", Severity: schema.Error, Message: "the commit holds no deployment in " + dir}}}
	}
	if err != nil {
		return nil, shut, err
	}
	src.Name = clone + "@" + b.name
	r, err := compiler.Compile(ctx, src)
	if err != nil && !errors.Is(err, compiler.ErrCache) {
		return nil, shut, err
	}
	r, found := b.Bind(b.name, r)
	for _, f := range at.pointers(r, dir) {
		found = append(found, schema.Finding{Code: "DC501", Severity: schema.Error, Message: "the commit holds a pointer of git-lfs instead of the file", Positions: []schema.Position{{File: f, Line: 1, Col: 1}}})
	}
	if all := append(found, r.Findings...); schema.Failed(all) {
		return nil, shut, &engine.Invalid{Findings: all}
	}
	d := &deployment{dir: filepath.Join(src.Root, filepath.FromSlash(src.Dir)), compiled: r, wrote: a.wrote, logs: new(engine.Logs), limits: &a.limits, at: at, bound: b}
	e, err = d.engine(ctx, stepsHeard(ctx), sideBySideSteps)
	return e, d.shut, err
}
