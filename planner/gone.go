package planner

import "domctl.dev/schema"

// gone plans what was applied and is no longer desired.
func (m *maker) gone(a schema.Address) error {
	entry := m.in.Applied.Entries[a]
	_, desired := m.in.Desired.Objects[a]
	_, settled := m.plan.Settle[a]
	if desired || settled || m.blocked[a] || m.in.Select != nil && !m.in.Select(a) || m.excluded(a) {
		return nil
	}
	kind, _ := schema.KindOf(a.Kind)
	by, taken := m.taken(a, entry)
	why, unread := m.in.Live.Unread[a]
	switch {
	case m.held(a, absent):
		m.hold(a, a)
	case unread:
		m.find(why)
		m.block(unseen(why))
	case m.pinsStoodOn(a.Kind, entry): // still remembered: it says why that must stay
	case taken:
		m.release(a, "the same object is "+by.String()+" in the files")
	case kind.Gone == "release":
		m.release(a, "no longer in the files; what stands outside is left alone")
	case entry.Fields["lifecycle.protect"].Bool():
		m.find(schema.Finding{Code: "DC222", Severity: schema.Error, Address: a, Message: "protected, and no longer in the files",
			Hint: "put it back, or first apply it with lifecycle: protect: false"})
	case m.live(a) == nil:
		m.release(a, "no longer in the files, and not there any more")
	case kind.Gone == "archive" && !m.in.Allow && !entry.Fields["lifecycle.prune"].Bool():
		m.find(schema.Finding{Code: "DC221", Severity: schema.Warning, Address: a, Message: "applied before and no longer in the files: kept as it is",
			Hint: "plan with --allow archive to archive it, or put it back"})
	default:
		return m.remove(a, kind)
	}
	return nil
}

func (m *maker) release(a schema.Address, reason string) {
	m.plan.Changes = append(m.plan.Changes, Change{Address: a, Action: ActionRelease, Reason: reason})
	m.plan.Settle[a], m.plan.Content[a] = nil, absent
}

func (m *maker) live(a schema.Address) *schema.Observed {
	if o, ok := m.in.Live.Objects[a]; ok {
		return &o
	}
	return nil
}

// remove archives an object or unsets a setting.
func (m *maker) remove(a schema.Address, kind schema.Kind) error {
	c := Change{Address: a, Action: ActionArchive, Reason: "no longer in the files",
		Fields: []Diff{{Path: "archived", Before: m.live(a).Fields["archived"], After: schema.JSON(true)}}}
	if kind.Gone == "unset" {
		c.Action, c.Fields = ActionUnset, []Diff{{Path: "value", Before: m.live(a).Fields["value"]}}
	}
	if c.Fields[0].Before == c.Fields[0].After {
		m.release(a, "no longer in the files, and archived already")
		return nil
	}
	blocked, err := m.lower(&c, &schema.Entry{Fields: map[string]schema.Value{}}, nil)
	if err != nil || blocked {
		return err
	}
	m.plan.Changes, m.plan.Settle[a], m.plan.Content[a] = append(m.plan.Changes, c), nil, absent
	return nil
}
