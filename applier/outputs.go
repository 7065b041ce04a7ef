package applier

import (
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// output replaces an output of a done step by its value.
func (j *journal) output(v schema.Value) schema.Value {
	step, name, ok := planner.SplitOut(v)
	if !ok {
		return v
	}
	if done, ok := j.doneAs(step); ok {
		return done.Outputs[name]
	}
	return v
}

// resolve fills in outputs of earlier steps.
func (j *journal) resolve(s planner.Step) planner.Step { return s.Resolved(j.output) }
