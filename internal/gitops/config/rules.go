package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Rule says whose yes a plan needs before it is applied. A plan that no rule fits is
// applied once its commit stands on the branch.
type Rule struct {
	Name string `yaml:"name"`
	// Approvals is how many people must approve; zero in the file is one.
	Approvals int `yaml:"approvals"`
	// From are the accounts of the forge whose approvals count; none: those of all who
	// may write to the repository. Who is named must have that right, too.
	From []string `yaml:"from"`
	When When     `yaml:"when"`
}

// When says which plans a rule is for: those of which all that it states is so.
type When struct {
	Any bool `yaml:"any"` // all that do something
	// Kinds and Actions: there is a change of one of these kinds, by one of these
	// actions; "delete" is each that takes something away.
	Kinds   []string `yaml:"kinds"`
	Actions []string `yaml:"actions"`
	// Findings: there is a finding with one of these codes.
	Findings []string `yaml:"findings"`
}

// Approvals says for how long an approval counts, and what a plan needs whose effect
// is another than the approved one.
type Approvals struct {
	Last time.Duration `yaml:"last"` // zero in the file is seven days
	// OnChange is "ask", also where nothing stands: the new effect is approved anew; or
	// "apply": approvals of the same pull request at the same head count for it.
	OnChange string `yaml:"onChange"`
}

// Term is Last, or what it is where it is not stated.
func (a Approvals) Term() time.Duration { return cmp.Or(a.Last, week) }

// The values of Approvals.OnChange.
const (
	AskOnChange   = "ask"
	ApplyOnChange = "apply"
)

const (
	week          = 7 * 24 * time.Hour
	mostApprovals = 10
	// deleteAction stands for all actions that take something away.
	deleteAction = "delete"
)

var accountName = regexp.MustCompile(`^[^\s/\\]{1,100}$`)

func actions() []string {
	return []string{deleteAction, string(planner.ActionCreate), string(planner.ActionUpdate), string(planner.ActionArchive), string(planner.ActionUnset), string(planner.ActionAdopt), string(planner.ActionRelease)}
}

// rules holds a deployment's rules, which need a forge to be kept on.
func (k checking) rules(at string, d Deployment) {
	k.oneOf(at+".approvals.onChange", d.Approvals.OnChange, []string{AskOnChange, ApplyOnChange})
	if last := at + ".approvals.last"; k.has(last) && !k.bad[last] && (d.Approvals.Last < time.Minute || d.Approvals.Last > 90*24*time.Hour) {
		k.wrong(k.where(last), "", "%s is not between 1m and 90d", last)
	}
	if r, ok := k.c.Repositories[d.Repository]; len(d.Rules) > 0 && ok && r.Forge == "" {
		k.wrong(k.where(at+".rules"), "state "+schema.JoinPath("repositories", d.Repository, "forge"), "%s has rules, and its repository no forge on which anybody could approve", at)
	}
	seen := map[string]bool{}
	for i, r := range d.Rules {
		one := fmt.Sprintf("%s.rules.%d", at, i)
		if k.need(one, "name", r.Name) && (planner.Printable(r.Name) != r.Name || len(r.Name) > 100) {
			k.wrong(k.where(one+".name"), "", "%s.name is no short text of one line", one)
		}
		if seen[r.Name] && r.Name != "" {
			k.wrong(k.where(one+".name"), "give each rule its own", "%s.rules: there are two rules %q", at, r.Name)
		}
		seen[r.Name] = true
		k.rule(one, r)
	}
}

func (k checking) rule(at string, r Rule) {
	if k.has(at+".approvals") && !k.bad[at+".approvals"] && (r.Approvals < 1 || r.Approvals > mostApprovals) {
		k.wrong(k.where(at+".approvals"), "a plan that needs no approval needs no rule", "%s.approvals is not between 1 and %d", at, mostApprovals)
	}
	people := map[string]bool{}
	for i, u := range r.From {
		field := fmt.Sprintf("%s.from.%d", at, i)
		if !accountName.MatchString(u) || strings.HasPrefix(u, "@") {
			k.wrong(k.where(field), "write it as the forge does, without @", "%s: %q is no account", field, u)
		}
		if people[Account(u)] {
			k.wrong(k.where(field), "", "%s: %q stands there twice", field, u)
		}
		people[Account(u)] = true
	}
	if k.has(at+".from") && len(people) < r.Needed() && !k.bad[at+".from"] {
		k.wrong(k.where(at+".from"), "name more people, or need fewer approvals", "%s names %s and needs %s", at, planner.Plural(len(people), "account"), planner.Plural(r.Needed(), "approval"))
	}
	k.when(at+".when", r.When)
}

func (k checking) when(at string, w When) {
	lists := len(w.Kinds) + len(w.Actions) + len(w.Findings)
	switch {
	case !w.Any && lists == 0 && !k.bad[at]:
		k.wrong(k.where(at), "write when: {any: true} for a rule for all plans", "%s says of no plan that the rule is for it", at)
	case w.Any && lists > 0:
		k.wrong(k.where(at+".any"), "leave it out, or the lists", "%s.any is for all plans, and the lists are for some", at)
	}
	kinds := []string{}
	for _, kind := range schema.Kinds() {
		kinds = append(kinds, kind.Name)
	}
	for i, v := range w.Kinds {
		k.oneOf(fmt.Sprintf("%s.kinds.%d", at, i), v, kinds)
	}
	for i, v := range w.Actions {
		k.oneOf(fmt.Sprintf("%s.actions.%d", at, i), v, actions())
	}
	for i, v := range w.Findings {
		field := fmt.Sprintf("%s.findings.%d", at, i)
		if !slices.ContainsFunc(schema.Codes(), func(c schema.Code) bool { return c.Code == v }) {
			k.wrong(k.where(field), "domctl explain lists them", "%s: there is no finding %q", field, v)
		}
	}
}
