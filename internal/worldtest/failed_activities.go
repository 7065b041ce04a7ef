package worldtest

import (
	"errors"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

// failuresOf are the failed activities of the group, of all times.
func failuresOf(w World) ([]port.FailedActivity, error) {
	return w.AutoScaling.FailedActivities(background(), "acme-gpu-a", time.Time{})
}

// launchesFailed: the group has what EC2 has for it, and says why that is not more.
func launchesFailed(code, says string) func(*testing.T, World) {
	return func(t *testing.T, w World) {
		putGroup(t, w, nil)
		serving(t, w, "acme-gpu-a", 2)
		w.Put.Lacking(t, "acme-gpu-a", 3, code)
		must(t, resize(w, -1, -1, 4))
		serving(t, w, "acme-gpu-a", 3)
		got := value(failuresOf(w))(t)
		if len(got) == 0 {
			t.Fatal("nothing failed")
		}
		f := got[0]
		if f.Code != code || !strings.Contains(f.Message, says) || f.Started.IsZero() || f.Started.Location() != time.UTC {
			t.Errorf("it says %+v", f)
		}
		if later := value(w.AutoScaling.FailedActivities(background(), "acme-gpu-a", f.Started.Add(time.Second)))(t); len(later) != 0 {
			t.Errorf("after the newest there is %+v", later)
		}
	}
}

// noLaunchFailed: what succeeded is not told, and a group that is not there is no group
// without failures.
func noLaunchFailed(t *testing.T, w World) {
	putGroup(t, w, nil)
	must(t, resize(w, -1, -1, 3))
	serving(t, w, "acme-gpu-a", 3)
	if got := value(failuresOf(w))(t); len(got) != 0 {
		t.Errorf("it says %+v", got)
	}
	if _, err := w.AutoScaling.FailedActivities(background(), "none", time.Time{}); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("of a group that is not there: %v, want ErrNotFound", err)
	}
}
