package roll

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// ringing says which of the alarms that the plan names is in state ALARM, or is not there
// any more; "" where none is. Auto Scaling is given no alarm to watch: it would roll a
// refresh back, whatever runs on the new nodes.
func (r *Roller) ringing(ctx context.Context, o order) (why string, err error) {
	if len(o.Alarms) == 0 {
		return "", nil
	}
	alarms, err := r.Outside.DescribeAlarms(ctx, o.Alarms)
	if err != nil && !errors.Is(err, port.ErrDenied) {
		return "", &away{"CloudWatch", "whether an alarm rings", err}
	}
	if err != nil {
		return "", err
	}
	for _, name := range o.Alarms {
		i := slices.IndexFunc(alarms, func(a port.Alarm) bool { return a.Name == name })
		switch {
		case i < 0:
			return fmt.Sprintf("DC839: alarm %s of CloudWatch is not there any more", planner.Printable(name)), nil
		case alarms[i].Rings():
			return fmt.Sprintf("DC838: alarm %s of CloudWatch rings: %s", planner.Printable(name), planner.Printable(alarms[i].Reason)), nil
		}
	}
	return "", nil
}
