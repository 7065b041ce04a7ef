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
	for _, r := range j.all(KindDone, step) {
		return r.Outputs[name]
	}
	return v
}

// step is a step of the plan with outputs filled in; zero if there is none.
func (j *journal) step(id string) planner.Step {
	for _, s := range j.plan.Steps {
		if s.ID == id {
			return j.resolve(s)
		}
	}
	return planner.Step{}
}

// resolve fills in outputs of earlier steps.
func (j *journal) resolve(s planner.Step) planner.Step {
	fill := func(m map[string]schema.Value) map[string]schema.Value {
		out := make(map[string]schema.Value, len(m))
		for k, v := range m {
			out[k] = j.output(v)
		}
		return out
	}
	s.Writes, s.Args = fill(s.Writes), fill(s.Args)
	expects := make([]planner.Expect, len(s.Expects))
	for i, e := range s.Expects {
		expects[i] = planner.Expect{Ref: e.Ref, Path: e.Path, Value: j.output(e.Value)}
	}
	s.Expects = expects
	return s
}
