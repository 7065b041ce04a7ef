package config_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/gitops/config"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestFindingsOfTheWayThere: a rule by findings is for the way back of what had one, too.
func TestFindingsOfTheWayThere(t *testing.T) {
	found := func(codes ...string) (p planner.Plan) {
		p.Changes = []planner.Change{{Address: schema.Address{Kind: "amis", Name: "gpu"}, Action: planner.ActionRestore}}
		for _, c := range codes {
			p.Findings = append(p.Findings, schema.Finding{Code: c, Severity: schema.Warning})
		}
		return p
	}
	d := config.Deployment{Rules: []config.Rule{
		{Name: "some", When: config.When{Findings: []string{"DC230", "DC231"}}},
		{Name: "of images", When: config.When{Findings: []string{"DC230"}, Kinds: []string{"amis"}}},
		{Name: "of tiers", When: config.When{Findings: []string{"DC230"}, Kinds: []string{"hardwareTiers"}}},
		{Name: "others", When: config.When{Findings: []string{"DC114"}}},
	}}
	one, none := found("DC230"), found()
	for _, c := range []struct {
		back  planner.Plan
		there *planner.Plan
		want  string
	}{
		{none, &none, ""}, {none, &one, "some, of images"}, {one, &none, "some, of images"},
		{found("DC114"), &one, "some, of images, others"}, {none, nil, "some, of images, others"},
	} {
		var names []string
		for _, r := range d.NeedsBack(c.back, c.there) {
			names = append(names, r.Name)
		}
		if got := strings.Join(names, ", "); got != c.want {
			t.Errorf("%+v, %+v: %s, want %s", c.back.Findings, c.there, got, c.want)
		}
	}
}
