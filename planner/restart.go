package planner

import "domctl.dev/schema"

// restarts says that a change of the address takes effect when Domino's services
// restart.
func restarts(a schema.Address) bool {
	kind, _ := schema.KindOf(a.Kind)
	return kind.Restart != nil && kind.Restart(a.Name)
}

// restart says what a change needs, and has *applied* remember it.
func (m *maker) restart(c Change, entry *schema.Entry) {
	if !restarts(c.Address) {
		return
	}
	m.find(schema.Finding{Code: "DC240", Severity: schema.Info, Address: c.Address, Positions: c.Positions,
		Message: "takes effect when Domino's services restart", Hint: "restart the affected services after the apply, then: domctl apply --restarted"})
	entry.Fields[schema.RestartMark] = schema.JSON("pending")
}

// remember carries over that an earlier apply's restart is pending, until a
// person says that the services restarted: nothing outside tells.
func (m *maker) remember(a schema.Address, was *schema.Entry, c Change, entry *schema.Entry) {
	if was == nil || m.in.Restarted {
		return
	}
	mark, pending := was.Fields[schema.RestartMark]
	if !pending || !restarts(a) {
		return
	}
	entry.Fields[schema.RestartMark] = mark
	if len(c.Fields) == 0 {
		m.waiting = append(m.waiting, a)
	}
}

// pending says once what waits for a restart since earlier applies.
func (m *maker) pending() {
	if len(m.waiting) > 0 {
		m.find(schema.Finding{Code: "DC242", Severity: schema.Info, Message: "applied before, and in effect when Domino's services restart: " + Few(m.waiting),
			Hint: "once they restarted: domctl apply --restarted"})
	}
}

// restart says once of a way back what takes effect later.
func (r *restorer) restart() {
	var waits []schema.Address
	for a := range r.change {
		if restarts(a) {
			waits = append(waits, a)
		}
	}
	if len(waits) > 0 {
		r.plan.Findings = append(r.plan.Findings, schema.Finding{Code: "DC240", Severity: schema.Info,
			Message: "taken back when Domino's services restart: " + Few(waits), Hint: "restart the affected services afterwards"})
	}
}
