package worldtest

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

const (
	endInGroup     = "Auto Scaling API Reference, TerminateInstanceInAutoScalingGroup"
	launchFailures = "Auto Scaling User Guide, Troubleshoot EC2 instance launch failures"
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
