package engine_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestATemplateThatAGroupHas is not lent: the group would replace it once it stops.
func TestATemplateThatAGroupHas(t *testing.T) {
	for tag, has := range map[string]string{"aws:autoscaling:groupName": "Auto Scaling group prod-nodes", "aws:ec2:fleet-id": "fleet prod-nodes"} {
		f := templateFixture(t)
		r := f.start(t)
		before := r.plan(f.after)
		r = r.changed(func(aws map[string]any) {
			i := aws["instances"].(map[string]any)[theTemplate].(map[string]any)
			i["tags"].(map[string]any)[tag] = "prod-nodes"
		})
		says := func(x schema.Finding) bool {
			return x.Code == "DC230" && strings.Contains(x.Message, "instance "+theTemplate+", and "+has+" has it")
		}
		p := r.plan(f.after)
		if !slices.ContainsFunc(p.Findings, says) || slices.ContainsFunc(p.Steps, func(s planner.Step) bool { return s.Op == "bake.template" }) {
			t.Errorf("%s: a plan lends it: %+v", tag, p.Findings)
		}
		res, err := r.engine(f.after).Apply(t.Context(), before)
		if err != nil || res.Outcome == applier.EndedOutcome || !matches("DC347: .*"+has, res.Why) {
			t.Errorf("%s: planned before: %+v, %v", tag, res, err)
		}
		if calls := r.writes(theTemplate); len(calls) > 0 {
			t.Errorf("%s: it is written to: %v", tag, calls)
		}
	}
}
