package worldtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"domctl.dev/internal/port"
)

const (
	startRefresh   = "Auto Scaling API Reference, StartInstanceRefresh"
	endInGroup     = "Auto Scaling API Reference, TerminateInstanceInAutoScalingGroup"
	launchFailures = "Auto Scaling User Guide, Troubleshoot EC2 instance launch failures"
	updateVersion  = "EKS API Reference, UpdateNodegroupVersion"
)

func groupInstanceCases() []Case {
	return []Case{
		{Name: "GroupInstances/Describe", Source: "Auto Scaling API Reference, Instance", run: groupInstances},
		{Name: "GroupInstances/AreOfEC2", Source: "Auto Scaling User Guide, Tag Auto Scaling groups and instances", run: groupInstancesOfEC2},
		{Name: "GroupInstances/OfAConfiguration", Source: "Auto Scaling API Reference, Instance, LaunchConfigurationName", run: groupInstancesOfConfiguration},
		{Name: "GroupInstances/KeepWhatTheyWereLaunchedFrom", Source: updateGroup + ", LaunchTemplate", run: groupInstancesKeep},
		{Name: "GroupInstances/DesiredCapacity", Source: updateGroup + ", DesiredCapacity", run: groupInstancesDesired},
		{Name: "GroupInstances/TerminateReplaces", Source: endInGroup + ", ShouldDecrementDesiredCapacity", run: terminateReplaces},
		{Name: "GroupInstances/TerminateSmaller", Source: endInGroup + ", ShouldDecrementDesiredCapacity", run: terminateSmaller},
		{Name: "GroupInstances/TerminateProtected", Source: "Auto Scaling User Guide, Use instance scale-in protection", run: terminateProtected},
		{Name: "GroupInstances/TerminatedByOthers", Source: "Auto Scaling User Guide, Health checks for instances in an Auto Scaling group", run: terminatedByOthers},
		{Name: "FailedActivities/Capacity", Source: launchFailures + ", sufficient capacity", run: launchesFailed("InsufficientInstanceCapacity", "sufficient")},
		{Name: "FailedActivities/Quota", Source: launchFailures + ", vCPU limit", run: launchesFailed("VcpuLimitExceeded", "vCPU limit")},
		{Name: "FailedActivities/None", Source: "Auto Scaling API Reference, DescribeScalingActivities", run: noLaunchFailed},
		{Name: "Groups/WarmPool", Source: "Auto Scaling API Reference, AutoScalingGroup, WarmPoolConfiguration", run: warmPool},
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

func groupVersionCases() []Case {
	return []Case{
		{Name: "NodegroupVersions/Update", Source: updateVersion, run: versionUpdated},
		{Name: "NodegroupVersions/Token", Source: updateVersion + ", clientRequestToken", run: versionUpdateToken},
		{Name: "NodegroupVersions/Refused", Source: updateVersion + ", InvalidParameterException", run: versionRefused},
		{Name: "NodegroupVersions/DescribeUpdate", Source: "EKS API Reference, DescribeUpdate, ResourceNotFoundException", run: updateUnknown},
	}
}

// instancesOf are those of the group that are not on their way out.
func instancesOf(t *testing.T, w World, group string) (out []port.GroupInstance) {
	t.Helper()
	for _, i := range value(w.AutoScaling.DescribeAutoScalingInstances(background(), []string{group}))(t) {
		if i.Lifecycle != "Terminating" {
			out = append(out, i)
		}
	}
	return out
}

func idsOf(instances []port.GroupInstance) (ids []string) {
	for _, i := range instances {
		ids = append(ids, i.ID)
	}
	slices.Sort(ids)
	return ids
}

// serving waits until all instances of the group serve, and there are n.
func serving(t *testing.T, w World, group string, n int) []port.GroupInstance {
	t.Helper()
	var got []port.GroupInstance
	for range 5 {
		got = value(w.AutoScaling.DescribeAutoScalingInstances(background(), []string{group}))(t)
		if len(got) == n && !slices.ContainsFunc(got, func(i port.GroupInstance) bool { return i.Lifecycle != "InService" }) {
			return got
		}
		w.Settle(t)
	}
	t.Fatalf("instances are %+v, want %d in service", got, n)
	return nil
}

func groupInstances(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	got := serving(t, w, "acme-gpu-a", 2)
	for _, i := range got {
		if i.Group != "acme-gpu-a" || i.Template != id || i.Version != "1" || i.LaunchConfiguration != "" || !i.Healthy || i.Protected || i.Type != "g5.2xlarge" || i.Zone == "" {
			t.Errorf("instance is %+v", i)
		}
	}
	for _, names := range [][]string{{"none"}, {}} {
		if found := value(w.AutoScaling.DescribeAutoScalingInstances(background(), names))(t); len(found) != 0 {
			t.Errorf("groups %v have %+v", names, found)
		}
	}
	if all := value(w.AutoScaling.DescribeAutoScalingInstances(background(), nil))(t); fmt.Sprint(idsOf(all)) != fmt.Sprint(idsOf(got)) {
		t.Errorf("all groups have %+v", all)
	}
}

func groupInstancesOfEC2(t *testing.T, w World) {
	putGroup(t, w, nil)
	for _, i := range serving(t, w, "acme-gpu-a", 2) {
		found := value(w.EC2.DescribeInstances(background(), port.Select{IDs: []string{i.ID}}))(t)
		if len(found) != 1 || found[0].Keeper() != "Auto Scaling group acme-gpu-a" || found[0].State != "running" || found[0].Type != "g5.2xlarge" {
			t.Errorf("instance %s is %+v", i.ID, found)
		}
	}
}

func groupInstancesOfConfiguration(t *testing.T, w World) {
	putConfiguration(t, w)
	w.Put.Group(t, port.AutoScalingGroup{Name: "acme-a", LaunchConfiguration: "acme-lc-1", Max: 2, Desired: 1})
	if i := serving(t, w, "acme-a", 1)[0]; i.LaunchConfiguration != "acme-lc-1" || i.Template != "" || i.Version != "" {
		t.Errorf("instance is %+v", i)
	}
}

func groupInstancesKeep(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	before := serving(t, w, "acme-gpu-a", 2)
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: id, Version: "2"}))
	if after := instancesOf(t, w, "acme-gpu-a"); fmt.Sprint(idsOf(after)) != fmt.Sprint(idsOf(before)) || after[0].Version != "1" || after[1].Version != "1" {
		t.Errorf("instances are %+v, were %+v", after, before)
	}
	must(t, resize(w, -1, -1, 3))
	was := idsOf(before)
	for _, i := range serving(t, w, "acme-gpu-a", 3) {
		if want := map[bool]string{true: "1", false: "2"}[slices.Contains(was, i.ID)]; i.Version != want {
			t.Errorf("instance is %+v, want version %s", i, want)
		}
	}
}

func groupInstancesDesired(t *testing.T, w World) {
	putGroup(t, w, nil)
	before := idsOf(serving(t, w, "acme-gpu-a", 2))
	must(t, resize(w, -1, -1, 4))
	for _, id := range before {
		if !slices.Contains(idsOf(serving(t, w, "acme-gpu-a", 4)), id) {
			t.Errorf("%s went as the group grew", id)
		}
	}
	must(t, resize(w, -1, -1, 1))
	serving(t, w, "acme-gpu-a", 1)
}

func terminateReplaces(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	before := serving(t, w, "acme-gpu-a", 2)
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: id, Version: "2"}))
	must(t, w.AutoScaling.TerminateInstanceInGroup(background(), before[0].ID, false))
	after := serving(t, w, "acme-gpu-a", 2)
	for _, i := range after {
		if i.ID == before[0].ID || i.ID != before[1].ID && i.Version != "2" {
			t.Errorf("instances are %+v, were %+v", after, before)
		}
	}
	if g := oneGroup(t, w); g.Desired != 2 {
		t.Errorf("group is %+v", g)
	}
	for _, gone := range []string{before[0].ID, "i-00000000000000000"} {
		if err := w.AutoScaling.TerminateInstanceInGroup(background(), gone, false); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%s: %v, want ErrNotFound", gone, err)
		}
	}
}

func terminateSmaller(t *testing.T, w World) {
	putGroup(t, w, nil)
	before := serving(t, w, "acme-gpu-a", 2)
	must(t, w.AutoScaling.TerminateInstanceInGroup(background(), before[0].ID, true))
	if after := serving(t, w, "acme-gpu-a", 1); after[0].ID != before[1].ID {
		t.Errorf("instances are %+v, were %+v", after, before)
	}
	wantSizes(t, w, 1, 4, 1)
	if err := w.AutoScaling.TerminateInstanceInGroup(background(), before[1].ID, true); !errors.Is(err, port.ErrState) {
		t.Errorf("below the minimum: %v, want ErrState", err)
	}
	if after := serving(t, w, "acme-gpu-a", 1); after[0].ID != before[1].ID {
		t.Errorf("a refused call ended %s: %+v", before[1].ID, after)
	}
}

func terminateProtected(t *testing.T, w World) {
	putGroup(t, w, nil)
	before := serving(t, w, "acme-gpu-a", 2)
	w.Put.Protected(t, "acme-gpu-a", before[0].ID, true)
	if i := slices.IndexFunc(instancesOf(t, w, "acme-gpu-a"), func(i port.GroupInstance) bool { return i.Protected && i.ID == before[0].ID }); i < 0 {
		t.Error("the protection is not answered")
	}
	must(t, resize(w, -1, -1, 1))
	if after := serving(t, w, "acme-gpu-a", 1); after[0].ID != before[0].ID {
		t.Errorf("scale-in left %+v, of %+v", after, before)
	}
	must(t, w.AutoScaling.TerminateInstanceInGroup(background(), before[0].ID, false))
	if after := serving(t, w, "acme-gpu-a", 1); after[0].ID == before[0].ID {
		t.Errorf("instances are %+v: protection from scale-in kept one that was to be ended", after)
	}
}

func terminatedByOthers(t *testing.T, w World) {
	putGroup(t, w, nil)
	before := serving(t, w, "acme-gpu-a", 2)
	must(t, w.EC2.TerminateInstance(background(), before[0].ID))
	if after := idsOf(serving(t, w, "acme-gpu-a", 2)); slices.Contains(after, before[0].ID) {
		t.Errorf("instances are %v, with %s that was ended", after, before[0].ID)
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

func warmPool(t *testing.T, w World) {
	putGroup(t, w, nil)
	if g := oneGroup(t, w); g.Warm {
		t.Errorf("group is %+v: it has none yet", g)
	}
	w.Put.Warm(t, "acme-gpu-a")
	if g := oneGroup(t, w); !g.Warm {
		t.Errorf("group is %+v", g)
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

// putVersioned makes a node group on version 1 of a template that has two.
func putVersioned(t *testing.T, w World) {
	template := putTemplate(t, w)
	w.Put.NodeGroup(t, port.NodeGroup{Cluster: "acme", Name: "compute-a", AMIType: "CUSTOM", Min: 1, Max: 4, Desired: 2, Template: template, Version: 1})
}

// nodes of the node group's own groups.
func nodes(t *testing.T, w World) (out []port.GroupInstance) {
	t.Helper()
	for _, group := range nodeGroup(t, w).Groups {
		out = append(out, serving(t, w, group, 2)...)
	}
	return out
}

// updateEnded waits for an update.
func updateEnded(t *testing.T, w World, id string) port.NodegroupUpdate {
	t.Helper()
	for range 20 {
		if u := value(w.EKS.DescribeUpdate(background(), "acme", "compute-a", id))(t); u.Status != "InProgress" {
			return u
		}
		w.Settle(t)
	}
	t.Fatal("the update does not end")
	return port.NodegroupUpdate{}
}

func versionUpdated(t *testing.T, w World) {
	putVersioned(t, w)
	before := idsOf(nodes(t, w))
	id := value(w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t1", 2, false))(t)
	if g := nodeGroup(t, w); g.Version != 1 || g.Status != "UPDATING" {
		t.Errorf("node group is %+v before its update ended", g)
	}
	if u := updateEnded(t, w, id); u.ID != id || u.Status != "Successful" || len(u.Errors) != 0 || u.Created.IsZero() {
		t.Errorf("update is %+v", u)
	}
	if g := nodeGroup(t, w); g.Status != "ACTIVE" || g.Version != 2 {
		t.Errorf("node group is %+v after its update", g)
	}
	after := idsOf(nodes(t, w))
	if len(before) != 2 || len(after) != 2 || slices.ContainsFunc(after, func(id string) bool { return slices.Contains(before, id) }) {
		t.Errorf("nodes are %v, were %v", after, before)
	}
}

func versionUpdateToken(t *testing.T, w World) {
	putVersioned(t, w)
	nodes(t, w)
	id := value(w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t1", 2, false))(t)
	if _, err := w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t2", 1, false); !errors.Is(err, port.ErrInUse) {
		t.Errorf("an update during another: %v, want ErrInUse", err)
	}
	if again := value(w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t1", 2, false))(t); again != id {
		t.Errorf("the repeated call answers %s, not %s", again, id)
	}
	updateEnded(t, w, id)
}

func versionRefused(t *testing.T, w World) {
	putVersioned(t, w)
	nodes(t, w)
	if _, err := w.EKS.UpdateNodegroupVersion(background(), "acme", "none", "t1", 2, false); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("no node group: %v, want ErrNotFound", err)
	}
	if _, err := w.EKS.UpdateNodegroupVersion(background(), "acme", "compute-a", "t2", 9, false); err == nil {
		t.Error("a version that is not there was taken")
	}
	if g := nodeGroup(t, w); g.Status != "ACTIVE" || g.Version != 1 {
		t.Errorf("refused calls changed the node group to %+v", g)
	}
}

func updateUnknown(t *testing.T, w World) {
	putVersioned(t, w)
	if u, err := w.EKS.DescribeUpdate(background(), "acme", "compute-a", "5e6f0a8c-0000-4000-a000-000000000000"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("update is %+v, %v; want ErrNotFound", u, err)
	}
}
