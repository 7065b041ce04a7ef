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
	"domctl.dev/internal/gitops/config"
	"domctl.dev/internal/secret"
	"domctl.dev/schema"
)

// bound is what a controller's configuration says of a deployment beside what stands
// in the deployment's own words.
type bound struct {
	config.Deployment
	name string
	mode config.Mode
	logs string // folder
	all  map[string]config.Deployment
	// report hears of applies; nil: nobody does.
	report func(applier.Event)
	// short is deployment.short.
	short func(ref string)
}

// records opens the store that a deployment is bound to.
func (b *bound) records(ctx context.Context) (applier.Store, error) {
	d := deployment{compiled: compiler.Result{Desired: schema.Desired{Deployment: b.Schema(b.name, b.mode)}}, bound: b}
	return d.store(ctx)
}

// otherApplied is deployment.otherApplied for a deployment that is bound: another one
// is read where it is bound to, whatever trees say of it.
func (b *bound) otherApplied(ctx context.Context, name string) (applied schema.Applied, there bool, err error) {
	other, there := b.all[name]
	if !there {
		return applied, false, nil
	}
	store, err := (&bound{other, name, b.mode, "", b.all, nil, nil}).records(ctx)
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
	c, _, err := a.compileBound(ctx, b, clone, t, "", true)
	if err != nil {
		return nil, func() {}, err
	}
	return a.engineBound(ctx, b, t, c)
}

// compileBound is gitops.Desk's Compile.
func (a *app) compileBound(ctx context.Context, b *bound, clone string, t gitops.Tree, as string, evaluate bool) (c gitops.Compiled, known bool, err error) {
	at, dir := &tree{t.Commit, t.Dir, t.Written}, path.Clean(b.Dir)
	src, there, err := a.source(at, dir)
	if err != nil {
		return c, false, err
	}
	if !there {
		c.Lacks, c.Findings = true, []schema.Finding{{Code: "DC523", Severity: schema.Error, Message: "the commit holds no deployment in " + dir}}
		return c, true, nil
	}
	names := []string{clone + "@" + b.name}
	if as != "" {
		names = append(names, names[0]+"@"+as)
	}
	if c.Result, known, err = compileAs(ctx, src, names, evaluate); err != nil || !known {
		return c, false, err
	}
	if c.Sum, err = at.sum(c.Result, dir); err != nil {
		return c, false, err
	}
	var found []schema.Finding
	c.Result, found = b.Bind(b.name, b.mode, c.Result)
	for _, f := range at.pointers(c.Result, dir) {
		found = append(found, schema.Finding{Code: "DC501", Severity: schema.Error, Message: "the commit holds a pointer of git-lfs instead of the file", Positions: []schema.Position{{File: f, Line: 1, Col: 1}}})
	}
	c.Findings = append(found, c.Findings...)
	return c, true, nil
}

// compileAs compiles a deployment, unless one of the same files is kept under one of
// some names; the last is what its result is kept as.
func compileAs(ctx context.Context, src compiler.Source, names []string, evaluate bool) (r compiler.Result, known bool, err error) {
	for _, src.Name = range names {
		if r, known = compiler.Kept(src); known {
			return r, true, nil
		}
	}
	if !evaluate {
		return r, false, nil
	}
	if r, err = compiler.Compile(ctx, src); errors.Is(err, compiler.ErrCache) {
		err = nil
	}
	return r, err == nil, err
}

// engineBound is gitops.Desk's Engine.
func (a *app) engineBound(ctx context.Context, b *bound, t gitops.Tree, c gitops.Compiled) (e *engine.Engine, shut func(), err error) {
	if schema.Stops(c.Findings) {
		return nil, func() {}, &engine.Invalid{Findings: c.Findings}
	}
	at := &tree{t.Commit, t.Dir, t.Written}
	d := &deployment{dir: filepath.Join(t.Dir, filepath.FromSlash(b.Dir)), compiled: c.Result, wrote: a.wrote, logs: new(engine.Logs), limits: &a.limits, at: at, bound: b, lease: a.lease, short: b.short}
	e, err = d.engine(ctx, eachOf(b.report, stepsHeard(ctx)), sideBySideSteps)
	return e, d.shut, err
}
