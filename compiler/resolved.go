package compiler

import "domctl.dev/schema"

// resolve fills the computed fields from resolved.cue, and says which entries are
// missing or were looked up for something else.
func (r *Result) resolve() {
	for _, a := range schema.Addresses(r.Desired.Objects) {
		kind, _ := schema.KindOf(a.Kind)
		if kind.Resolve == nil {
			continue
		}
		if f := kind.Resolve(r.Resolved, a, r.Desired.Objects[a]); f != nil {
			r.Findings = append(r.Findings, *f)
		}
	}
}
