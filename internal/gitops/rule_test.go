package gitops_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/gitops"
	"domctl.dev/internal/gitops/config"
)

var deletions = config.Rule{Name: "deletions", When: config.When{Actions: []string{"delete"}}}

// TestRulesSeeTheWayBack: whoever wrote what a rule asked others about does not take it
// back on their own word, whatever actions the rule names.
func TestRulesSeeTheWayBack(t *testing.T) {
	for _, rule := range []config.Rule{
		{Name: "actions", When: config.When{Actions: []string{"update", "create", "archive", "unset", "release"}}},
		{Name: "tiers", When: config.When{Kinds: []string{"hardwareTiers"}, Actions: []string{"update"}}},
		{Name: "findings", When: config.When{Findings: []string{"DC242"}}}, // of the way there
	} {
		a, first, _ := newAsking(t, rule)
		a.git("checkout", "-q", "-f", "-B", "main", first)
		second := a.commit("modern-before", "cores: 4", "cores: 6")
		a.git("update-ref", "refs/heads/main", first)
		a.town.open(7, second)
		a.town.say(7, "bob", "domctl apply "+a.planned(7, second))
		a.looks()
		a.merges(7, second)
		if got := a.looks(); got.Head.Stage != gitops.Done {
			t.Fatalf("%s: %+v", rule.Name, got)
		}
		for user, want := range map[string]string{"ann": "falls under rule `" + rule.Name + "`, and the word of `ann` leaves 1 approval missing", "bob": "was taken back by"} {
			a := a.copy()
			a.git("update-ref", "refs/heads/main", second)
			a.town.say(7, user, "domctl rollback")
			a.looks()
			if said := a.last(7); !strings.Contains(said, want) {
				t.Errorf("%s, %s: %q", rule.Name, user, said)
			}
		}
	}
}

// TestDeletesWithin: a rule about what is taken away is for a field or a label of what
// stays, too.
func TestDeletesWithin(t *testing.T) {
	base, _, _ := newAsking(t)
	first := base.commit("modern")
	base.town.open(6, first)
	base.merges(6, first)
	if got := base.looks(); got.Head.Stage != gitops.Done {
		t.Fatalf("%+v", got)
	}
	base.first, base.rules = first, []config.Rule{deletions}
	for name, c := range map[string]struct {
		from, to string
		want     gitops.Stage
	}{
		"a label":                  {`podCustomization: additionalLabels: "sim.example/team": "blue"`, `podCustomization: additionalLabels: "sim.example/team": null`, gitops.Asked},
		"a GPU":                    {`gpu: count: 1`, `gpu: count: null`, gitops.Asked},
		"another label":            {`"sim.example/team": "blue"`, `"sim.example/team": "red"`, gitops.Done},
		"a label that is left out": {`, podCustomization: additionalLabels: "sim.example/team": "blue"`, ``, gitops.Asked},
	} {
		a := base.copy()
		a.git("checkout", "-q", "-f", "-B", "main", first)
		second := a.commit("modern", c.from, c.to)
		a.town.open(7, second)
		a.merges(7, second)
		if got := a.looks(); got.Head.Stage != c.want || got.Head.Commit != second {
			t.Errorf("%s: %+v", name, got)
		}
	}
}
