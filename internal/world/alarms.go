package world

import (
	"context"
	"fmt"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// readAlarms reads those that rolls of a kind's objects name, each once.
func (l *look) readAlarms(ctx context.Context, kind string) error {
	names := map[string]bool{}
	for _, a := range l.wanted(kind) {
		if r, _ := l.desired.Objects[a].Roll(); rolls(l.desired.Objects[a]) {
			for _, name := range r.Alarms {
				names[name] = true
			}
		}
	}
	if len(names) == 0 {
		return nil
	}
	alarms, err := l.Outside.DescribeAlarms(ctx, schema.Sorted(names))
	l.view.alarms = alarms
	return err
}

// alarmed says why nothing is to be rolled: an alarm that would stop it rings already, or is
// not there.
func (v *View) alarmed(c planner.Change, r schema.Roll) *schema.Finding {
	block := func(code, message, hint string) *schema.Finding {
		return blocked(code, c.Address, message, hint, c.Positions).Blocked
	}
	for _, name := range r.Alarms {
		i := slices.IndexFunc(v.alarms, func(a port.Alarm) bool { return a.Name == name })
		switch {
		case i < 0:
			return block("DC839", fmt.Sprintf("there is no alarm %s in this account and region, so that nothing would stop the roll", planner.Printable(name)), "check the name, or leave it out of roll.alarms")
		case v.alarms[i].Rings():
			return block("DC844", fmt.Sprintf("alarm %s rings before the roll: %s", planner.Printable(name), planner.Printable(v.alarms[i].Reason)), "wait until it is over, then plan again; or leave it out of roll.alarms")
		}
	}
	return nil
}
