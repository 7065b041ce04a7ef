package planner

import "domctl.dev/schema"

// remember carries over that an earlier apply's restart is pending, until a
// person says that the services restarted: nothing outside tells.
func (m *maker) remember(a schema.Address, was *schema.Entry, c Change, entry *schema.Entry) {
	if was == nil || m.in.Restarted {
		return
	}
	mark, pending := was.Fields[schema.RestartMark]
	if f, ok := kindField(a, schema.RestartMark); !pending || !ok || !f.Kept {
		return
	}
	entry.Fields[schema.RestartMark] = mark
	if len(c.Fields) == 0 {
		m.find(schema.Finding{Code: "DC242", Severity: schema.Info, Address: a, Positions: c.Positions,
			Message: "applied, and takes effect when Domino's services restart; domctl history " + a.String() + " says when it was applied",
			Hint:    "once they restarted: domctl apply --restarted"})
	}
}

func kindField(a schema.Address, path string) (schema.Field, bool) {
	kind, _ := schema.KindOf(a.Kind)
	return kind.Field(path)
}
