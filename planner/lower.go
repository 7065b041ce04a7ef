package planner

import (
	"fmt"
	"maps"
	"slices"

	"domctl.dev/schema"
)

// View is one read of the outside: what lowering is answered from. It is pure.
type View interface {
	Lower(Change) (Lowered, error)
	// Same compares two values of which one may be a keyed digest.
	Same(want, got schema.Value) bool
}

// Lowered is a change as concrete steps. ID is the live identity afterwards and
// Outputs the fields that other objects may refer to; both may be outputs of
// steps. Blocked says why nothing could be lowered; then there are no steps.
type Lowered struct {
	Steps    []Step
	ID       schema.Value
	Outputs  map[string]schema.Value
	Findings []schema.Finding
	Blocked  *schema.Finding
	// Once are steps that several changes need: the first brings each.
	Once []Step
	// Waves are the places of steps in rollouts, by id.
	Waves map[string]Wave
	// Remember is what *applied* holds of the object beside its fields: kept ones that
	// no file states.
	Remember map[string]schema.Value
	// Left is what nothing is done about while the rest is: it is shown as a blocked
	// change of its own and does not become applied.
	Left []Left
	// Note is said below the change, for people.
	Note string
}

// Left are fields of a change that stay as they are, and why.
type Left struct {
	Fields []string
	Why    schema.Finding
}

// lower appends the change's steps; a blocked change is shown and settles nothing.
func (m *maker) lower(c *Change, entry *schema.Entry, low *lowering) (blocked bool, err error) {
	if low == nil {
		low = m.lowered(*c)
	}
	if low.err != nil {
		return false, fmt.Errorf("%s: %w", c.Address, low.err)
	}
	m.plan.Findings = append(m.plan.Findings, low.Findings...)
	if low.Blocked != nil {
		c.Blocked = low.Blocked.Message
		m.find(*low.Blocked)
		m.block(*c)
		return true, nil
	}
	if m.leave(c, entry, low.Left); len(low.Left) > 0 && len(c.Fields) == 0 {
		m.blocks(c.Address)
		return true, nil
	}
	if low.ID.Is != schema.Absent {
		entry.ID = low.ID
	}
	c.Note = low.Note
	m.restart(*c, entry)
	maps.Copy(entry.Fields, low.Remember)
	for _, f := range c.Fields { // of a blocked change nothing rests on it
		m.plan.Unknowns = m.plan.Unknowns || f.Before.Is == schema.Unknown
	}
	m.outputs[c.Address] = low.Outputs
	for _, s := range low.Once {
		if !slices.ContainsFunc(m.plan.Steps, func(t Step) bool { return t.ID == s.ID }) {
			m.plan.Steps = append(m.plan.Steps, s)
		}
	}
	m.plan.Steps = append(m.plan.Steps, low.Steps...)
	maps.Copy(m.waves, low.Waves)
	return false, nil
}

func (m *maker) lowered(c Change) *lowering {
	low, err := m.in.View.Lower(c)
	return &lowering{low, err}
}

// leave takes what is left out of a change, and shows it beside it.
func (m *maker) leave(c *Change, entry *schema.Entry, left []Left) {
	o := m.in.Desired.Objects[c.Address]
	for _, l := range left {
		rest := Change{Address: c.Address, Action: c.Action, Reason: c.Reason, Blocked: l.Why.Message}
		for _, d := range c.Fields {
			if slices.Contains(l.Fields, d.Path) {
				rest.Fields = append(rest.Fields, d)
				delete(entry.Fields, d.Path)
			}
		}
		c.Fields = slices.DeleteFunc(c.Fields, func(d Diff) bool { return slices.Contains(l.Fields, d.Path) })
		rest.Positions = stated(o, rest.Fields)
		l.Why.Positions = rest.Positions
		m.find(l.Why)
		m.plan.Changes = append(m.plan.Changes, rest)
	}
	if len(left) > 0 {
		c.Positions = stated(o, c.Fields)
	}
}

// stated are the places of some fields of an object, each once; those of the
// object where they have none.
func stated(o schema.Object, fields []Diff) (at []schema.Position) {
	for _, d := range fields {
		for _, p := range o.At[d.Path] {
			if !slices.Contains(at, p) {
				at = append(at, p)
			}
		}
	}
	if len(at) == 0 {
		return o.Positions("")
	}
	return at
}
