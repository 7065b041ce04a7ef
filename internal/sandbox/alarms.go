package sandbox

import (
	"context"

	"domctl.dev/internal/port"
)

// alarm is one of CloudWatch's: in ALARM, and from a time on where one is stated.
type alarm struct {
	Rings  bool   `json:"rings,omitempty"`
	From   string `json:"from,omitempty"` // RFC 3339
	Reason string `json:"reason,omitempty"`
	// Image, where stated: it rings while an instance runs that was launched from it.
	Image string `json:"image,omitempty"`
}

// DescribeAlarms leaves unknown names out.
func (w *World) DescribeAlarms(ctx context.Context, names []string) ([]port.Alarm, error) {
	return read(ctx, w, "DescribeAlarms", func(s *state) (out []port.Alarm, _ int, _ error) {
		if len(names) == 0 {
			return nil, 0, nil
		}
		for _, name := range chosen(names, s.aws.Alarms) {
			a := s.aws.Alarms[name]
			state := "OK"
			if a.Rings && !moment(a.From).After(w.opts.Clock()) || a.Image != "" && w.runsOf(s, a.Image) {
				state = "ALARM"
			}
			out = append(out, port.Alarm{Name: name, State: state, Reason: a.Reason})
		}
		return out, len(out), nil
	})
}

// runsOf says that an instance of an image runs.
func (w *World) runsOf(s *state, image string) bool {
	for id := range s.aws.Instances {
		if i, err := w.instance(s, id); err == nil && i.Image == image && i.State == "running" {
			return true
		}
	}
	return false
}
