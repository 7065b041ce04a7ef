package planner

import (
	"slices"

	"domctl.dev/schema"
)

// local makes warnings of errors in the texts of environments of which the plan builds
// nothing: what runs of them runs on, and everything else need not wait for it.
func (m *maker) local() {
	built := map[schema.Address]bool{}
	for _, c := range m.plan.Changes {
		built[c.Address] = built[c.Address] || c.builds()
	}
	for i, f := range m.plan.Findings {
		if f.Local() && !built[f.Address] {
			m.plan.Findings[i].Severity = schema.Warning
			m.plan.Findings[i].Message += "; the plan builds nothing of it, so that this holds nothing up"
		}
	}
}

// builds says that a change, if it is of an environment, has a revision built.
func (c Change) builds() bool {
	return c.Blocked == "" && (c.Action == ActionCreate || c.Action == ActionUpdate) &&
		slices.ContainsFunc(c.Fields, func(d Diff) bool { return schema.BuildsRevision(d.Path) })
}
