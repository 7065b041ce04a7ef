package engine_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/internal/sim"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// besides opens a process beside whose files others lie.
func (r rig) besides(c compiler.Result, files map[string][]byte) *engine.Engine {
	r.t.Helper()
	e, err := r.Process(r.t.Context(), c, sim.Options{Holder: "test"})
	must(r.t, err)
	e.Beside = func(context.Context) (map[string][]byte, error) { return files, nil }
	return e
}

// TestARollbackKeepsWhatOthersHold: an image that another deployment's file names, or
// that is shared with an account, is deprecated and not taken away, as the plan says;
// one that comes to be held after the plan is left, and the step fails.
func TestARollbackKeepsWhatOthersHold(t *testing.T) {
	f := bakingFixture(t)
	start := f.start(t)
	p := start.applyAll(f.after)
	id := start.stands(f.after)
	for name, c := range map[string]struct {
		files  map[string][]byte
		shared []string
		says   string
	}{
		"file":    {map[string][]byte{"prod/resolved.cue": []byte(`resolved: amis: executor: image: "` + id + `"`)}, nil, "prod/resolved.cue names it"},
		"account": {nil, []string{"222233334444"}, "it is shared with 222233334444"},
	} {
		t.Run(name, func(t *testing.T) {
			r := start.twin()
			r.t = t
			early, err := r.engine(f.after).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
			must(t, err)
			if c.shared != nil {
				must(t, r.world().ModifyLaunchPermission(t.Context(), id, c.shared, nil))
			}
			late := r.twin()
			late.t = t
			res, err := late.besides(f.after, c.files).Apply(t.Context(), early)
			if err != nil || res.Outcome == applier.EndedOutcome || !matches(id+" is in use: .*"+c.says, res.Why) {
				t.Errorf("planned before: %+v, %v", res, err)
			}
			back, err := r.besides(f.after, c.files).Rollback(t.Context(), p.ID, engine.RollbackOptions{})
			if err != nil || !slices.ContainsFunc(back.Findings, func(x schema.Finding) bool {
				return x.Code == "DC425" && strings.Contains(x.Message, id) && strings.Contains(x.Message, c.says) && strings.HasSuffix(x.Message, "; it is deprecated")
			}) || slices.ContainsFunc(back.Steps, func(s planner.Step) bool { return s.Op == "ec2.DeregisterImage" }) {
				t.Fatalf("%+v, %v", back.Findings, err)
			}
			r.ended(r.besides(f.after, c.files).Apply(t.Context(), back))
			for _, one := range []rig{r, late} {
				images := must1(one.world().DescribeImages(t.Context(), port.ImageQuery{IDs: []string{id}}))(t)
				if len(images) != 1 || (images[0].Deprecated != "") != (one == r) {
					t.Errorf("the image is %+v", images)
				}
			}
		})
	}
}
