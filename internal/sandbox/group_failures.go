package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"domctl.dev/internal/port"
)

// failure is a launch of a group that failed.
type failure struct {
	At      string `json:"at"` // RFC 3339
	Code    string `json:"code"`
	Desired int64  `json:"desired,omitempty"` // capacity of the group when it was tried
	Message string `json:"message,omitempty"` // empty means what Auto Scaling says of the code
}

// retries is how long a group waits after a launch that failed; mostFailures of one group
// are kept.
const (
	retries      = time.Minute
	mostFailures = 20
)

// retry is when the group tries again, "" for a group whose last launch did not fail.
func (l *life) retry() string {
	if n := len(l.Failures); n > 0 {
		return dated(moment(l.Failures[n-1].At).Add(retries))
	}
	return ""
}

// fails notes that EC2 has no instance for the group, unless it was tried just before for
// the same capacity.
func (l *life) fails(t time.Time) {
	if n := len(l.Failures); n > 0 && l.Failures[n-1].Desired == l.Desired && moment(l.retry()).After(t) {
		return
	}
	l.Failures = append(slices.Clone(l.Failures), failure{At: dated(t), Code: cmp.Or(l.Lacks, "InsufficientInstanceCapacity"), Desired: l.Desired})
	l.Failures = l.Failures[max(0, len(l.Failures)-mostFailures):]
}

// text is what Auto Scaling says of a failed launch (Auto Scaling User Guide,
// "Troubleshoot Amazon EC2 Auto Scaling: EC2 instance launch failures").
func (f failure) text() string {
	switch {
	case f.Message != "":
		return f.Message
	case f.Code == "InsufficientInstanceCapacity":
		return "We currently do not have sufficient capacity of the instance type in the Availability Zone you requested. Launching EC2 instance failed."
	case f.Code == "VcpuLimitExceeded":
		return "You have requested more vCPU capacity than your current vCPU limit allows for the instance bucket that the specified instance type belongs to. Launching EC2 instance failed."
	}
	return f.Code + ". Launching EC2 instance failed."
}

// FailedActivities answers the newest first.
func (w *World) FailedActivities(ctx context.Context, name string, since time.Time) ([]port.FailedActivity, error) {
	return read(ctx, w, "FailedActivities", func(s *state) (out []port.FailedActivity, n int, _ error) {
		g, ok := s.aws.AutoScalingGroups[name]
		if !ok {
			return nil, 0, fmt.Errorf("group %s: %w", name, port.ErrNotFound)
		}
		for _, f := range slices.Backward(g.Failures) {
			if at := moment(f.At); !at.Before(since.Truncate(time.Second)) {
				out = append(out, port.FailedActivity{Started: at, Code: f.Code, Message: f.text()})
			}
		}
		return out, len(out), nil
	})
}
