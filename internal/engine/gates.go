package engine

import (
	"fmt"

	"domctl.dev/applier"
	"domctl.dev/planner"
)

// gate says how a gate stands: a window by the clock and by what the files said
// when the plan was made, an approval by the records.
func (e *Engine) gate(p planner.Plan, g planner.Gate, given []applier.Approval) applier.Passage {
	switch g.Kind {
	case planner.WindowGate:
		now := e.Clock.Now()
		at := g.Window.Opens(now)
		if at.IsZero() {
			return applier.Passage{Why: fmt.Sprintf("window %s never opens: %s", g.Arg, g.Window.Fault())}
		}
		return applier.Passage{Open: !at.After(now), Wait: at.Sub(now), Why: fmt.Sprintf("window %s opens %s", g.Arg, g.Window.Opening(at))}
	case planner.ApprovalGate:
		missing := g.Approvals - len(given)
		return applier.Passage{Open: missing <= 0, Why: fmt.Sprintf("%s of %s missing: domctl apply --resume %s --approve", planner.Plural(missing, "approval"), g.Arg, p.ID)}
	}
	return applier.Passage{Why: fmt.Sprintf("gate %s %s is not known to this domctl; use the version that made the plan", g.Kind, g.Arg)}
}
