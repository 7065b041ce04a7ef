package planner

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// restart says that a change takes effect when Domino's services restart, and
// has *applied* remember it.
func (m *maker) restart(c Change, entry *schema.Entry) {
	if f, needed := restartOf(c); needed {
		m.find(f)
		entry.Fields[schema.RestartMark] = schema.JSON("pending")
	}
}

// restartOf is the finding of a change that needs a restart.
func restartOf(c Change) (f schema.Finding, needed bool) {
	kind, _ := schema.KindOf(c.Address.Kind)
	if kind.Restart == nil || !kind.Restart(c.Address.Name) {
		return f, false
	}
	return schema.Finding{Code: "DC240", Severity: schema.Info, Address: c.Address, Positions: c.Positions,
		Message: "takes effect when Domino's services restart", Hint: "restart the affected services after the apply, then: domctl apply --restarted"}, true
}

// remember carries over that an earlier apply's restart is pending, until a
// person says that the services restarted: nothing outside tells.
func (m *maker) remember(a schema.Address, was *schema.Entry, c Change, entry *schema.Entry) {
	if was == nil || m.in.Restarted {
		return
	}
	mark, pending := was.Fields[schema.RestartMark]
	if kind, _ := schema.KindOf(a.Kind); !pending || kind.Restart == nil {
		return
	}
	entry.Fields[schema.RestartMark] = mark
	if len(c.Fields) == 0 {
		m.waiting = append(m.waiting, a.String())
	}
}

// pending says once what waits for a restart since earlier applies.
func (m *maker) pending() {
	const named = 5
	if len(m.waiting) == 0 {
		return
	}
	slices.Sort(m.waiting)
	text := strings.Join(m.waiting[:min(len(m.waiting), named)], ", ")
	if more := len(m.waiting) - named; more > 0 {
		text += fmt.Sprintf(" and %d more", more)
	}
	m.find(schema.Finding{Code: "DC242", Severity: schema.Info, Message: "applied before, and in effect when Domino's services restart: " + text,
		Hint: "once they restarted: domctl apply --restarted"})
}
