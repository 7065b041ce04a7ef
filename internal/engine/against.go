package engine

import (
	"context"
	"maps"
	"reflect"

	"domctl.dev/compiler"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Former is the state of the files that a change started from. Base says which; its
// Lacks, set where there is nothing to compile, why.
type Former struct {
	planner.Base
	Compiled compiler.Result
}

// PlanAgainst is Plan, which tells apart what the files' change from a former state
// brings. The world is looked at once, for both; where the two states say the same,
// there is one plan. What makes the former state unusable is told by a finding, and
// everything counts as the change's then.
func (e *Engine) PlanAgainst(ctx context.Context, o PlanOptions, f Former) (planner.Plan, error) {
	seeing := e.lookOnce()
	p, now, err := seeing.planned(ctx, o)
	if err != nil {
		return p, err
	}
	if f.Lacks == "" {
		f.Lacks = incomparable(f.Compiled, e.Compiled)
	}
	if f.Lacks != "" {
		return f.alone(p), nil
	}
	if was, is := f.Compiled.Desired.Deployment, e.Compiled.Desired.Deployment; reflect.DeepEqual(was.Mongo.Mapping, is.Mongo.Mapping) && reflect.DeepEqual(was.Instances, is.Instances) && was.Executors == is.Executors && same(f.Compiled.Desired.Objects, e.Compiled.Desired.Objects) {
		return p.Against(&p, f.Base), nil
	}
	former, err := seeing.former(ctx, o, f.Compiled, now)
	if err != nil {
		return p, err
	}
	return p.Against(&former, f.Base), nil
}

// alone is a plan of which everything counts as the change's.
func (f Former) alone(p planner.Plan) planner.Plan {
	p.Findings = schema.SortFindings(append(p.Findings, schema.Finding{Code: "DC500", Severity: schema.Warning, Message: f.Of() + " " + f.Lacks,
		Hint: "everything of the plan counts as this change; what was pending before it is among it"}))
	return p.Against(nil, f.Base)
}

// incomparable says why a former state has no plan beside that of the files.
func incomparable(former, present compiler.Result) string {
	if schema.Stops(former.Findings) {
		return "holds files that are not valid"
	}
	was, is := former.Desired.Deployment, present.Desired.Deployment
	mongo, now := was.Mongo, is.Mongo
	mongo.Mapping, now.Mapping = schema.Mapping{}, schema.Mapping{}
	switch {
	case was.Name != is.Name:
		return "holds another deployment there, " + was.Name
	case was.World != is.World || was.AWS.Account != is.AWS.Account || was.AWS.Region != is.AWS.Region || was.AWS.Cluster != is.AWS.Cluster || mongo.Database != now.Database || mongo.ReplicaSet != now.ReplicaSet:
		return "is for another outside"
	}
	return ""
}

// same says that two states want the same, wherever they state it.
func same(a, b map[schema.Address]schema.Object) bool {
	return maps.EqualFunc(a, b, func(x, y schema.Object) bool { return maps.Equal(x.Fields, y.Fields) })
}

// former plans the former state on what was read for the present one. Nobody is
// counted and nothing foretold: it is only compared with.
func (e *Engine) former(ctx context.Context, o PlanOptions, c compiler.Result, now present) (planner.Plan, error) {
	w := *e.world
	w.Deployment = c.Desired.Deployment
	view, err := w.Look(ctx, c.Desired, func() (schema.Applied, error) { return now.applied, nil })
	if err != nil {
		return planner.Plan{}, err
	}
	in := o.input(o.keeps())
	in.Desired, in.Live, in.Applied, in.View, in.World, in.Lineage = view.Desired(), view.Live, now.applied, view, now.identity, e.Applier.Lineage
	in.Again = view.Uneven()
	draft, err := planner.Make(in)
	if err != nil {
		return planner.Plan{}, err
	}
	return draft.Plan(func(schema.Address) *planner.Impact { return nil }), nil
}
