package engine

import (
	"fmt"
	"slices"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// again is what a plan does of environments that are to be built again though nothing of
// them differs: another revision, without the cache of layers.
func (o PlanOptions) again(d schema.Desired, choose func(schema.Address) bool) (map[schema.Address]planner.Redo, error) {
	if len(o.Rebuild) == 0 {
		return nil, nil
	}
	var there []schema.Address
	for _, a := range schema.Addresses(d.Objects) {
		if a.Kind == schema.EnvironmentAddress("").Kind {
			there = append(there, a)
		}
	}
	if _, err := (PlanOptions{Target: o.Rebuild}).selector(there); err != nil {
		return nil, fmt.Errorf("--rebuild: %w", err)
	}
	out := map[schema.Address]planner.Redo{}
	var why error
	for _, a := range there {
		if !matchAny(o.Rebuild, a) {
			continue
		}
		switch built := states(d.Objects[a]); {
		case choose != nil && !choose(a):
			why = fmt.Errorf("DC733: --rebuild names %s, which --target or --exclude leaves out", a)
		case d.Objects[a].Fields["archived"].Bool():
			why = fmt.Errorf("DC733: %s is archived, so that nobody would choose what is built; state archived: false first", a)
		case !built:
			why = fmt.Errorf("DC733: the files do not state what %s is built from; build it again in Domino, or import its definition: domctl import --kind environments", a)
		default:
			out[a] = planner.Redo{Fields: []planner.Diff{{Path: "skipCache", After: schema.JSON(true)}}, Why: "to be built again, as asked"}
		}
		if out[a].Fields == nil && slices.Contains(o.Rebuild, a.String()) {
			return nil, why
		}
	}
	if len(out) > 0 { // a pattern means those that can be
		return out, nil
	}
	return nil, why
}

// states says that files state something of what an environment is built from.
func states(o schema.Object) bool {
	for p, v := range o.Fields {
		if schema.BuildsRevision(p) && !schema.FormAlone(p) && v.Is != schema.Absent && v.Is != schema.Unset {
			return true
		}
	}
	return false
}
