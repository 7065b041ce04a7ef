package planner

import "domctl.dev/schema"

// absent is the content of an address that the files no longer hold.
const absent = "absent"

// held says that a rollback holds this content of the address back.
func (m *maker) held(a schema.Address, content string) bool {
	return !m.in.Unlatch && m.in.Applied.Latched(a, content)
}

// latch is whose latch holds an address back, and of which content: its own, or
// that of the name it had before.
func (m *maker) latch(a schema.Address) (by schema.Address, content string) {
	if m.in.Applied.Latches[a] == "" && len(m.declared.left) == 0 {
		return a, ""
	}
	content = m.content(a)
	for _, old := range m.declared.left {
		if m.renamed(old, a) && m.held(old, content) {
			return old, content
		}
	}
	return a, content
}

// renamed says that an address was the object that another one declares: the
// files say so, or it was applied to it.
func (m *maker) renamed(old, a schema.Address) bool {
	o, live := m.in.Desired.Objects[a], m.live(a)
	return old.Kind == a.Kind && (o.Fields["movedFrom"].Str() == old.Name || o.Fields["id"].Str() == old.Name ||
		live != nil && live.ID != "" && m.in.Applied.Entries[old].ID.Str() == live.ID)
}

// hold leaves an address as it is. What its former name is latched with, and was
// applied with, moves along.
func (m *maker) hold(by, a schema.Address) {
	m.off[a] = true
	message := "this content was rolled back and stays off until it changes"
	if redo, is := m.in.Again[a]; is && redo.Why != "" {
		message += "; left so: " + redo.Why
	}
	m.find(schema.Finding{Code: "DC410", Severity: schema.Warning, Address: a, Positions: m.in.Desired.Objects[a].Positions(""),
		Message: message,
		Hint:    "change the files, or plan with --unlatch to apply it again"})
	if by == a {
		return
	}
	m.plan.Changes = append(m.plan.Changes, Change{Address: a, Action: ActionAdopt, Reason: "renamed in the files", Positions: m.in.Desired.Objects[a].Positions("")})
	m.plan.Latch[a], m.plan.Settle[by] = m.in.Applied.Latches[by], nil
	if was, ok := m.in.Applied.Entries[by]; ok {
		m.plan.Settle[a] = &was
	}
}
