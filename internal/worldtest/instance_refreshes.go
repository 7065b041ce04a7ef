package worldtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const startRefresh = "Auto Scaling API Reference, StartInstanceRefresh"

func instanceRefreshCases() []Case {
	return []Case{
		{Name: "InstanceRefresh/Replaces", Source: startRefresh, run: refreshReplaces},
		{Name: "InstanceRefresh/OneAtATime", Source: startRefresh + ", InstanceRefreshInProgress", run: refreshOnce},
		{Name: "InstanceRefresh/SkipMatching", Source: "Auto Scaling API Reference, RefreshPreferences, SkipMatching", run: refreshSkips},
		{Name: "InstanceRefresh/DesiredConfiguration", Source: startRefresh + ", DesiredConfiguration", run: refreshDesired},
		{Name: "InstanceRefresh/Mixed", Source: "Auto Scaling API Reference, DesiredConfiguration, MixedInstancesPolicy", run: refreshMixed},
		{Name: "InstanceRefresh/Protected", Source: "Auto Scaling API Reference, RefreshPreferences, ScaleInProtectedInstances", run: refreshProtected},
		{Name: "InstanceRefresh/Suspended", Source: "Auto Scaling User Guide, Suspend and resume Amazon EC2 Auto Scaling processes", run: refreshSuspended},
		{Name: "InstanceRefresh/Cancel", Source: "Auto Scaling API Reference, CancelInstanceRefresh", run: refreshCancelled},
		{Name: "InstanceRefresh/Refused", Source: "Auto Scaling API Reference, RefreshPreferences", run: refreshRefused},
	}
}

// refreshOf is a refresh of the group that replaces one after another.
func refreshOf(change func(*port.NewInstanceRefresh)) port.NewInstanceRefresh {
	r := port.NewInstanceRefresh{Group: "acme-gpu-a", MinHealthy: 100, MaxHealthy: 150, SkipMatching: true}
	if change != nil {
		change(&r)
	}
	return r
}

// refreshEnded waits until the group's newest refresh is in progress no more.
func refreshEnded(t *testing.T, w World) port.InstanceRefresh {
	t.Helper()
	for range 20 {
		found := value(w.AutoScaling.DescribeInstanceRefreshes(background(), "acme-gpu-a"))(t)
		if len(found) > 0 && !found[0].Live() {
			return found[0]
		}
		w.Settle(t)
	}
	t.Fatal("the refresh does not end")
	return port.InstanceRefresh{}
}

func refreshReplaces(t *testing.T, w World) {
	template := putGroup(t, w, nil)
	before := idsOf(serving(t, w, "acme-gpu-a", 2))
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: template, Version: "2"}))
	id := value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(nil)))(t)
	if r := value(w.AutoScaling.DescribeInstanceRefreshes(background(), "acme-gpu-a"))(t); len(r) != 1 || r[0].ID != id || r[0].Group != "acme-gpu-a" || !r[0].Live() || r[0].Percent == 100 || r[0].Started.IsZero() || !r[0].Ended.IsZero() {
		t.Errorf("refreshes are %+v", r)
	}
	if r := refreshEnded(t, w); r.Status != "Successful" || r.Percent != 100 || r.Ended.Before(r.Started) {
		t.Errorf("refresh is %+v", r)
	}
	for _, i := range serving(t, w, "acme-gpu-a", 2) {
		if slices.Contains(before, i.ID) || i.Version != "2" {
			t.Errorf("instance is %+v after the refresh", i)
		}
	}
	again := value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(nil)))(t)
	if r := value(w.AutoScaling.DescribeInstanceRefreshes(background(), "acme-gpu-a"))(t); len(r) != 2 || r[0].ID != again || r[1].ID != id {
		t.Errorf("refreshes are %+v, want the newest first", r)
	}
}

func refreshOnce(t *testing.T, w World) {
	putGroup(t, w, nil)
	serving(t, w, "acme-gpu-a", 2)
	all := refreshOf(func(r *port.NewInstanceRefresh) { r.SkipMatching = false })
	value(w.AutoScaling.StartInstanceRefresh(background(), all))(t)
	if _, err := w.AutoScaling.StartInstanceRefresh(background(), all); !errors.Is(err, port.ErrInUse) {
		t.Errorf("a second refresh: %v, want ErrInUse", err)
	}
}

func refreshSkips(t *testing.T, w World) {
	putGroup(t, w, nil)
	before := idsOf(serving(t, w, "acme-gpu-a", 2))
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(nil)))(t)
	if r := refreshEnded(t, w); r.Status != "Successful" {
		t.Errorf("refresh is %+v", r)
	}
	if after := idsOf(serving(t, w, "acme-gpu-a", 2)); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("instances are %v, were %v", after, before)
	}
}

func refreshDesired(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	serving(t, w, "acme-gpu-a", 2)
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(func(r *port.NewInstanceRefresh) { r.Template, r.Version = id, "2" })))(t)
	if g := oneGroup(t, w); g.Version != "1" {
		t.Errorf("group is %+v before the refresh succeeded", g)
	}
	if r := refreshEnded(t, w); r.Status != "Successful" {
		t.Errorf("refresh is %+v", r)
	}
	if g := oneGroup(t, w); g.Template != id || g.Version != "2" {
		t.Errorf("group is %+v after the refresh", g)
	}
	for _, i := range serving(t, w, "acme-gpu-a", 2) {
		if i.Version != "2" {
			t.Errorf("instance is %+v", i)
		}
	}
}

func refreshMixed(t *testing.T, w World) {
	id := putGroup(t, w, func(g *port.AutoScalingGroup) { g.Mixed, g.InstanceTypes = true, []string{"g5.2xlarge", "g5.4xlarge"} })
	serving(t, w, "acme-gpu-a", 2)
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(func(r *port.NewInstanceRefresh) { r.Template, r.Version, r.Mixed = id, "2", true })))(t)
	if r := refreshEnded(t, w); r.Status != "Successful" {
		t.Errorf("refresh is %+v", r)
	}
	if g := oneGroup(t, w); !g.Mixed || g.Version != "2" || fmt.Sprint(g.InstanceTypes) != "[g5.2xlarge g5.4xlarge]" {
		t.Errorf("group is %+v after the refresh", g)
	}
}

func refreshProtected(t *testing.T, w World) {
	template := putGroup(t, w, nil)
	before := serving(t, w, "acme-gpu-a", 2)
	w.Put.Protected(t, "acme-gpu-a", before[0].ID, true)
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: template, Version: "2"}))
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(func(r *port.NewInstanceRefresh) { r.ScaleInProtected = "Ignore" })))(t)
	if r := refreshEnded(t, w); r.Status != "Successful" {
		t.Errorf("refresh is %+v", r)
	}
	if after := idsOf(serving(t, w, "acme-gpu-a", 2)); !slices.Contains(after, before[0].ID) || slices.Contains(after, before[1].ID) {
		t.Errorf("instances are %v, were %v: the protected one is to be left", after, before)
	}
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(func(r *port.NewInstanceRefresh) { r.ScaleInProtected = "Refresh" })))(t)
	refreshEnded(t, w)
	if after := idsOf(serving(t, w, "acme-gpu-a", 2)); slices.Contains(after, before[0].ID) {
		t.Errorf("instances are %v: the protected one is to be replaced", after)
	}
}

func refreshSuspended(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	before := idsOf(serving(t, w, "acme-gpu-a", 2))
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: id, Version: "2"}))
	w.Put.Suspended(t, "acme-gpu-a", "Terminate")
	if g := oneGroup(t, w); fmt.Sprint(g.SuspendedProcesses) != "[Terminate]" {
		t.Errorf("group is %+v", g)
	}
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(nil)))(t)
	for range 3 {
		value(w.AutoScaling.DescribeInstanceRefreshes(background(), "acme-gpu-a"))(t)
		w.Settle(t)
	}
	if after := idsOf(serving(t, w, "acme-gpu-a", 2)); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("instances are %v, were %v, though nothing may be ended", after, before)
	}
}

func refreshCancelled(t *testing.T, w World) {
	putGroup(t, w, nil)
	serving(t, w, "acme-gpu-a", 2)
	if err := w.AutoScaling.CancelInstanceRefresh(background(), "acme-gpu-a"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("cancelling none: %v, want ErrNotFound", err)
	}
	value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(func(r *port.NewInstanceRefresh) { r.SkipMatching = false })))(t)
	must(t, w.AutoScaling.CancelInstanceRefresh(background(), "acme-gpu-a"))
	if r := refreshEnded(t, w); r.Status != "Cancelled" || r.Ended.IsZero() {
		t.Errorf("refresh is %+v", r)
	}
	serving(t, w, "acme-gpu-a", 2)
	if err := w.AutoScaling.CancelInstanceRefresh(background(), "acme-gpu-a"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("cancelling it again: %v, want ErrNotFound", err)
	}
}

func refreshRefused(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	serving(t, w, "acme-gpu-a", 2)
	for name, c := range map[string]struct {
		change func(*port.NewInstanceRefresh)
		want   error
	}{
		"group":       {func(r *port.NewInstanceRefresh) { r.Group = "none" }, port.ErrNotFound},
		"version":     {func(r *port.NewInstanceRefresh) { r.Template, r.Version = id, "9" }, port.ErrNotFound},
		"template":    {func(r *port.NewInstanceRefresh) { r.Template, r.Version = "lt-00000000000000000", "1" }, port.ErrNotFound},
		"minimum":     {func(r *port.NewInstanceRefresh) { r.MinHealthy = 101 }, nil},
		"maximum":     {func(r *port.NewInstanceRefresh) { r.MaxHealthy = 201 }, nil},
		"apart":       {func(r *port.NewInstanceRefresh) { r.MinHealthy, r.MaxHealthy = 40, 150 }, nil},
		"checkpoints": {func(r *port.NewInstanceRefresh) { r.Checkpoints, r.Delay = []int64{50, 20}, time.Minute }, nil},
		"protected":   {func(r *port.NewInstanceRefresh) { r.ScaleInProtected = "Never" }, nil},
	} {
		if _, err := w.AutoScaling.StartInstanceRefresh(background(), refreshOf(c.change)); err == nil || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	if _, err := w.AutoScaling.DescribeInstanceRefreshes(background(), "none"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("refreshes of no group: %v, want ErrNotFound", err)
	}
	if r := value(w.AutoScaling.DescribeInstanceRefreshes(background(), "acme-gpu-a"))(t); len(r) != 0 {
		t.Errorf("refused calls began %+v", r)
	}
}
