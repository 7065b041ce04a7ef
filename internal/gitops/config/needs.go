package config

import (
	"cmp"
	"slices"
	"strings"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Needs are the rules that a plan falls under, in the order of the file.
func (d Deployment) Needs(p planner.Plan) (all []Rule) {
	return d.needs(p, func(code string) bool { return has(p, code) })
}

// NeedsBack are the rules that the way back of an apply falls under: what the way there was
// found to be, it counts as. Of an apply whose plan is not known (nil) it may be anything.
func (d Deployment) NeedsBack(back planner.Plan, there *planner.Plan) []Rule {
	return d.needs(back, func(code string) bool { return there == nil || has(*there, code) || has(back, code) })
}

func (d Deployment) needs(p planner.Plan, found func(code string) bool) (all []Rule) {
	for _, r := range d.Rules {
		if r.When.fits(p, found) {
			all = append(all, r)
		}
	}
	return all
}

// has says whether a plan has a finding with a code.
func has(p planner.Plan, code string) bool {
	return slices.ContainsFunc(p.Findings, func(f schema.Finding) bool { return f.Code == code })
}

// fits says whether a plan is one that a rule is for. What is blocked is not done, and
// counts for nothing.
func (w When) fits(p planner.Plan, found func(code string) bool) bool {
	if w.Any {
		return !p.Empty()
	}
	if len(w.Findings) > 0 && !slices.ContainsFunc(w.Findings, found) {
		return false
	}
	if len(w.Kinds)+len(w.Actions) == 0 {
		return len(w.Findings) > 0
	}
	return slices.ContainsFunc(p.Changes, func(c planner.Change) bool {
		return c.Blocked == "" && (len(w.Kinds) == 0 || slices.Contains(w.Kinds, c.Address.Kind)) && (len(w.Actions) == 0 || w.does(c))
	})
}

// does says whether a change is by one of the actions. A restore is by each: the way back
// of a change falls under what its way there did.
func (w When) does(c planner.Change) bool {
	return c.Action == planner.ActionRestore || slices.Contains(w.Actions, string(c.Action)) || takes(c) && slices.Contains(w.Actions, deleteAction)
}

// takes says that a change takes something away, be it a field of what stays.
func takes(c planner.Change) bool {
	return c.Deletes() || c.Action == planner.ActionUpdate && slices.ContainsFunc(c.Fields, planner.Diff.Gone)
}

// Needed is how many people must approve.
func (r Rule) Needed() int { return cmp.Or(r.Approvals, 1) }

// Account is the name of a forge's account as it is compared: forges tell no two apart
// by upper and lower case.
func Account(name string) string {
	return strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "@"))
}

// Counts says whether an approval of an account counts for a rule.
func (r Rule) Counts(user string) bool {
	return len(r.From) == 0 || slices.ContainsFunc(r.From, func(u string) bool { return Account(u) == Account(user) })
}

// Missing is how many more approvals a rule needs, extra more than it states.
func (r Rule) Missing(by []string, extra int) int {
	n := r.Needed() + extra
	for _, user := range by {
		if r.Counts(user) {
			n--
		}
	}
	return max(n, 0)
}
