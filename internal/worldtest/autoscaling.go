package worldtest

import (
	"errors"
	"fmt"
	"testing"

	"domctl.dev/internal/port"
)

const updateGroup = "Auto Scaling API Reference, UpdateAutoScalingGroup"

func configurationCases() []Case {
	return []Case{
		{Name: "LaunchConfigurations/Describe", Source: "Auto Scaling API Reference, DescribeLaunchConfigurations", run: configurations},
		{Name: "LaunchConfigurations/Copy", Source: "Auto Scaling API Reference, CreateLaunchConfiguration", run: copyConfiguration},
		{Name: "LaunchConfigurations/Sizes", Source: "Auto Scaling API Reference, Ebs, VolumeSize", run: configurationSizes},
		{Name: "LaunchConfigurations/Immutable", Source: "Auto Scaling API Reference, CreateLaunchConfiguration, AlreadyExists", run: configurationImmutable},
		{Name: "LaunchConfigurations/DeleteInUse", Source: "Auto Scaling API Reference, DeleteLaunchConfiguration, ResourceInUse", run: configurationInUse},
	}
}

func groupCases() []Case {
	return []Case{
		{Name: "Groups/Describe", Source: "Auto Scaling API Reference, DescribeAutoScalingGroups", run: groups},
		{Name: "Groups/Configuration", Source: updateGroup + ", LaunchConfigurationName", run: groupConfiguration},
		{Name: "Groups/TemplateVersion", Source: updateGroup + ", LaunchTemplate", run: groupTemplate},
		{Name: "Groups/Mixed", Source: updateGroup + ", MixedInstancesPolicy", run: groupMixed},
		{Name: "Groups/Overrides", Source: "Auto Scaling API Reference, LaunchTemplateOverrides", run: groupOverrides},
		{Name: "Groups/MissingParts", Source: updateGroup + ", ValidationError", run: groupMissing},
		{Name: "Groups/Sizes", Source: updateGroup + ", MinSize, MaxSize, DesiredCapacity", run: groupSizes},
		{Name: "Groups/SizesTakeDesiredAlong", Source: updateGroup + ", MinSize and MaxSize without DesiredCapacity", run: groupDesired},
		{Name: "Groups/Tagged", Source: "Auto Scaling API Reference, CreateOrUpdateTags", run: groupTagged},
		{Name: "Groups/Untagged", Source: "Auto Scaling API Reference, DeleteTags", run: groupUntagged},
		{Name: "Groups/SizesRefused", Source: updateGroup + ", ValidationError", run: groupSizesRefused},
	}
}

func putConfiguration(t *testing.T, w World) {
	w.Put.Configuration(t, port.LaunchConfiguration{Name: "acme-lc-1", Image: "ami-0000000000000000a", InstanceType: "m5.2xlarge"})
}

func configurations(t *testing.T, w World) {
	putConfiguration(t, w)
	got := value(w.AutoScaling.DescribeLaunchConfigurations(background(), []string{"acme-lc-1", "none"}))(t)
	if fmt.Sprint(got) != "[{acme-lc-1 ami-0000000000000000a m5.2xlarge }]" {
		t.Errorf("configurations are %+v", got)
	}
	if got := value(w.AutoScaling.DescribeLaunchConfigurations(background(), []string{}))(t); len(got) != 0 {
		t.Errorf("an empty list of names finds %+v", got)
	}
}

// configurationSizes are those of its volumes, and the copy's.
func configurationSizes(t *testing.T, w World) {
	sizes := port.BlockSizes(map[string]int64{"/dev/xvda": 100, "/dev/sdb": 20})
	w.Put.Configuration(t, port.LaunchConfiguration{Name: "acme-lc-1", Image: "ami-0000000000000000a", InstanceType: "m5.2xlarge", Blocks: sizes})
	must(t, w.AutoScaling.CopyLaunchConfiguration(background(), "acme-lc-1", "acme-lc-2", "ami-0000000000000000b"))
	got := value(w.AutoScaling.DescribeLaunchConfigurations(background(), []string{"acme-lc-1", "acme-lc-2"}))(t)
	if len(got) != 2 || got[0].Blocks != sizes || got[1].Blocks != sizes {
		t.Errorf("configurations are %+v, want %s of each", got, sizes)
	}
}

func copyConfiguration(t *testing.T, w World) {
	putConfiguration(t, w)
	must(t, w.AutoScaling.CopyLaunchConfiguration(background(), "acme-lc-1", "acme-lc-2", "ami-0000000000000000b"))
	got := value(w.AutoScaling.DescribeLaunchConfigurations(background(), []string{"acme-lc-2"}))(t)
	if fmt.Sprint(got) != "[{acme-lc-2 ami-0000000000000000b m5.2xlarge }]" {
		t.Errorf("the copy is %+v", got)
	}
	if err := w.AutoScaling.CopyLaunchConfiguration(background(), "none", "acme-lc-3", "ami-0000000000000000b"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("copying what is missing: %v, want ErrNotFound", err)
	}
}

func configurationImmutable(t *testing.T, w World) {
	putConfiguration(t, w)
	err := w.AutoScaling.CopyLaunchConfiguration(background(), "acme-lc-1", "acme-lc-1", "ami-0000000000000000b")
	if !errors.Is(err, port.ErrDuplicate) {
		t.Errorf("copying onto itself: %v, want ErrDuplicate", err)
	}
	got := value(w.AutoScaling.DescribeLaunchConfigurations(background(), nil))(t)
	if fmt.Sprint(got) != "[{acme-lc-1 ami-0000000000000000a m5.2xlarge }]" {
		t.Errorf("configurations are %+v", got)
	}
}

func configurationInUse(t *testing.T, w World) {
	putConfiguration(t, w)
	w.Put.Group(t, port.AutoScalingGroup{Name: "acme-a", LaunchConfiguration: "acme-lc-1", Max: 2})
	if err := w.AutoScaling.DeleteLaunchConfiguration(background(), "acme-lc-1"); !errors.Is(err, port.ErrInUse) {
		t.Errorf("deleting one in use: %v, want ErrInUse", err)
	}
	must(t, w.AutoScaling.CopyLaunchConfiguration(background(), "acme-lc-1", "acme-lc-2", "ami-0000000000000000b"))
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-a", LaunchConfiguration: "acme-lc-2"}))
	must(t, w.AutoScaling.DeleteLaunchConfiguration(background(), "acme-lc-1"))
	if err := w.AutoScaling.DeleteLaunchConfiguration(background(), "acme-lc-1"); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("deleting it again: %v, want ErrNotFound", err)
	}
}

func putGroup(t *testing.T, w World, change func(*port.AutoScalingGroup)) (template string) {
	template = putTemplate(t, w)
	g := port.AutoScalingGroup{Name: "acme-gpu-a", Template: template, Version: "1", Min: 1, Max: 4, Desired: 2, Instances: 2,
		Tags: map[string]string{"k8s.io/cluster-autoscaler/enabled": "true"}, Zones: []string{w.Want.Region + "a"}}
	if change != nil {
		change(&g)
	}
	w.Put.Group(t, g)
	return template
}

func oneGroup(t *testing.T, w World) port.AutoScalingGroup {
	t.Helper()
	found := value(w.AutoScaling.DescribeAutoScalingGroups(background(), []string{"acme-gpu-a"}))(t)
	if len(found) != 1 {
		t.Fatalf("groups are %+v", found)
	}
	return found[0]
}

func groups(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	g := oneGroup(t, w)
	if g.Template != id || g.Version != "1" || g.Mixed || g.Min != 1 || g.Max != 4 || g.Desired != 2 || g.Instances != 2 || g.LaunchConfiguration != "" {
		t.Errorf("group is %+v", g)
	}
	if g.Tags["k8s.io/cluster-autoscaler/enabled"] != "true" || len(g.Zones) != 1 {
		t.Errorf("group has tags %v in zones %v", g.Tags, g.Zones)
	}
	found := value(w.AutoScaling.DescribeAutoScalingGroups(background(), []string{"none"}))(t)
	if found = append(found, value(w.AutoScaling.DescribeAutoScalingGroups(background(), []string{}))(t)...); len(found) != 0 {
		t.Errorf("no known name finds %+v", found)
	}
	if found := value(w.AutoScaling.DescribeAutoScalingGroups(background(), nil))(t); len(found) != 1 {
		t.Errorf("nil finds %+v", found)
	}
}

func groupConfiguration(t *testing.T, w World) {
	putConfiguration(t, w)
	putGroup(t, w, nil)
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", LaunchConfiguration: "acme-lc-1"}))
	if g := oneGroup(t, w); g.LaunchConfiguration != "acme-lc-1" || g.Template != "" || g.Version != "" || g.Max != 4 || g.Desired != 2 {
		t.Errorf("group is %+v, want it on the configuration alone, sizes as they were", g)
	}
}

func groupTemplate(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	for _, version := range []string{"2", "$Default", "$Latest"} {
		must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: id, Version: version}))
		if g := oneGroup(t, w); g.Template != id || g.Version != version || g.Mixed || g.Min != 1 {
			t.Errorf("group is %+v, want version %s", g, version)
		}
	}
}

func groupMixed(t *testing.T, w World) {
	id := putGroup(t, w, func(g *port.AutoScalingGroup) { g.Mixed, g.InstanceTypes = true, []string{"g5.2xlarge", "g5.4xlarge"} })
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: id, Version: "2", Mixed: true}))
	if g := oneGroup(t, w); !g.Mixed || g.Version != "2" || fmt.Sprint(g.InstanceTypes) != "[g5.2xlarge g5.4xlarge]" {
		t.Errorf("group is %+v, want version 2 in its policy, overrides as they were", g)
	}
}

// groupOverrides: what overrides launch from is answered, in their order, and stays
// when the policy's template changes.
func groupOverrides(t *testing.T, w World) {
	image := w.Put.Image(t, port.Image{Name: "acme-arm", State: "available", Architecture: "x86_64"})
	other := w.Put.Template(t, "acme-other", port.LaunchTemplateVersion{Image: image, InstanceType: "g5.4xlarge"})
	from := []port.LaunchOverride{{Template: other, Version: "1"}, {Image: image}}
	id := putGroup(t, w, func(g *port.AutoScalingGroup) {
		g.Mixed, g.InstanceTypes, g.Overrides = true, []string{"g5.4xlarge", "g5.8xlarge", "g5.2xlarge"}, from
	})
	for _, version := range []string{"1", "2"} {
		must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Template: id, Version: version, Mixed: true}))
		if g := oneGroup(t, w); fmt.Sprint(g.Overrides) != fmt.Sprint(from) || len(g.InstanceTypes) != 3 {
			t.Errorf("group is %+v, want overrides %v", g, from)
		}
	}
}

func groupMissing(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	before := oneGroup(t, w)
	for _, u := range []port.GroupUpdate{
		{Name: "none", Template: id, Version: "1"},
		{Name: "acme-gpu-a", LaunchConfiguration: "none"},
		{Name: "acme-gpu-a", Template: "lt-00000000000000000", Version: "1"},
		{Name: "acme-gpu-a", Template: id, Version: "9"},
	} {
		if err := w.AutoScaling.UpdateAutoScalingGroup(background(), u); !errors.Is(err, port.ErrNotFound) {
			t.Errorf("%+v: %v, want ErrNotFound", u, err)
		}
	}
	if err := w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Version: "2"}); err == nil {
		t.Error("a version without its template was taken")
	}
	if after := oneGroup(t, w); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("refused calls changed the group to %+v", after)
	}
}

// resize updates sizes; a negative one is left out.
func resize(w World, lo, hi, desired int64) error {
	size := func(n int64) *int64 {
		if n < 0 {
			return nil
		}
		return &n
	}
	return w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-gpu-a", Min: size(lo), Max: size(hi), Desired: size(desired)})
}

func wantSizes(t *testing.T, w World, lo, hi, desired int64) {
	t.Helper()
	if g := oneGroup(t, w); g.Min != lo || g.Max != hi || g.Desired != desired {
		t.Errorf("sizes are %d, %d, %d, want %d, %d, %d", g.Min, g.Max, g.Desired, lo, hi, desired)
	}
}

func groupSizes(t *testing.T, w World) {
	id := putGroup(t, w, nil)
	must(t, resize(w, 0, 8, 3))
	wantSizes(t, w, 0, 8, 3)
	must(t, resize(w, -1, -1, 0))
	wantSizes(t, w, 0, 8, 0)
	if g := oneGroup(t, w); g.Template != id || g.Version != "1" {
		t.Errorf("sizes changed what it launches: %+v", g)
	}
}

func groupDesired(t *testing.T, w World) {
	putGroup(t, w, nil)
	must(t, resize(w, 3, -1, -1))
	wantSizes(t, w, 3, 4, 3)
	must(t, resize(w, 0, 1, -1))
	wantSizes(t, w, 0, 1, 1)
}

func groupSizesRefused(t *testing.T, w World) {
	putGroup(t, w, nil)
	for _, s := range [][3]int64{{5, -1, -1}, {-1, 0, -1}, {2, 3, 1}, {-1, -1, 5}, {-1, 3, 4}} {
		if err := resize(w, s[0], s[1], s[2]); err == nil {
			t.Errorf("sizes %v were taken", s)
		}
	}
	wantSizes(t, w, 1, 4, 2)
}
