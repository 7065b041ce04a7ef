package engine

import (
	"context"
	"slices"
	"time"

	"domctl.dev/compiler"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Record looks at the world as a plan does, and keeps what of it may be public, see
// planner.Recording.
func (e *Engine) Record(ctx context.Context) (planner.Recording, error) {
	if schema.Stops(e.Compiled.Findings) {
		return planner.Recording{}, &Invalid{e.Compiled.Findings}
	}
	now, err := e.read(ctx)
	if err != nil {
		return planner.Recording{}, err
	}
	if err := now.view.Weigh(ctx, schema.Addresses(now.view.Live.Objects)); err != nil {
		return planner.Recording{}, err
	}
	in := planner.Input{Desired: now.view.Desired(), Live: now.view.Live, Applied: now.applied, View: now.view, World: now.identity, Source: e.Source}
	return planner.Record(e.Compiled.Desired, in, e.Clock.Now().UTC().Format(time.RFC3339), now.view.Impact), nil
}

// Replay plans files against a recording: nobody is asked, and nothing can be applied.
type Replay struct {
	Compiled compiler.Result
	Source   planner.Source
	// Former is the state that the files' change started from; nil: nobody compares.
	Former *Former
}

// Plan plans the files, and tells apart what their change brings.
func (r Replay) Plan(rec planner.Recording, o PlanOptions) (p planner.Plan, err error) {
	if schema.Stops(r.Compiled.Findings) {
		return p, &Invalid{r.Compiled.Findings}
	}
	choose, err := o.selector(slices.Concat(schema.Addresses(r.Compiled.Desired.Objects), schema.Addresses(rec.Applied.Entries)))
	if err != nil {
		return p, err
	}
	in := o.input(choose)
	in.Findings, in.Source, in.ID = forPlans(r.Compiled.Findings), r.Source, "recorded"
	if p, err = rec.Plan(r.Compiled.Desired, in); err != nil || r.Former == nil {
		return p, err
	}
	f := *r.Former
	if f.Lacks == "" {
		f.Lacks = incomparable(f.Compiled, r.Compiled)
	}
	if f.Lacks != "" {
		return f.alone(p), nil
	}
	former, err := rec.Plan(f.Compiled.Desired, o.input(o.keeps()))
	return p.Against(&former, f.Base), err
}
