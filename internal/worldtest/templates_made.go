package worldtest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

func madeTemplateCases() []Case {
	const source = "EC2 API Reference, CreateLaunchTemplate"
	return []Case{
		{Name: "LaunchTemplates/OfAConfiguration", Source: "Auto Scaling User Guide, Migrate your Auto Scaling groups to launch templates", run: templateOfConfiguration},
		{Name: "LaunchTemplates/WithAnotherImage", Source: source + ", LaunchTemplateData", run: templateWithImage},
		{Name: "LaunchTemplates/NameIsTaken", Source: source + ", LaunchTemplateName", run: templateNameTaken},
		{Name: "LaunchTemplates/Delete", Source: "EC2 API Reference, DeleteLaunchTemplate", run: templateDeleted},
	}
}

// putBlocked makes a configuration with a root volume and another, both of snapshots.
func putBlocked(t *testing.T, w World) {
	w.Put.Blocked(t, port.LaunchConfiguration{Name: "acme-lc-1", Image: "ami-0000000000000000a", InstanceType: "m5.2xlarge"},
		map[string]string{"/dev/xvda": "snap-0000000000000000a", "/dev/sdb": "snap-0000000000000000b"})
}

func made(t *testing.T, w World, n port.NewLaunchTemplate) port.LaunchTemplateVersion {
	t.Helper()
	id := value(w.EC2.CreateLaunchTemplate(background(), n))(t)
	found := value(w.EC2.DescribeTemplatesNamed(background(), []string{n.Name, "none"}))(t)
	if len(found) != 1 || found[0].ID != id || found[0].Name != n.Name || found[0].Default != 1 || found[0].Latest != 1 {
		t.Fatalf("templates are %+v, want %s", found, id)
	}
	versions := value(w.EC2.DescribeLaunchTemplateVersions(background(), id, nil))(t)
	if len(versions) != 1 || versions[0].Number != 1 || versions[0].Description != n.Description {
		t.Fatalf("versions are %+v", versions)
	}
	return versions[0]
}

func templateOfConfiguration(t *testing.T, w World) {
	putBlocked(t, w)
	v := made(t, w, port.NewLaunchTemplate{Name: "acme-lt", Configuration: "acme-lc-1", Description: "made", Token: "t1"})
	if v.Image != "ami-0000000000000000a" || v.InstanceType != "m5.2xlarge" || strings.Count(v.Blocks, "SnapshotId") != 2 {
		t.Errorf("version is %+v", v)
	}
	if again := value(w.EC2.CreateLaunchTemplate(background(), port.NewLaunchTemplate{Name: "acme-lt", Configuration: "acme-lc-1", Description: "made", Token: "t1"}))(t); again != v.Template {
		t.Errorf("the repeated call answers %s, not %s", again, v.Template)
	}
	w.Put.Group(t, port.AutoScalingGroup{Name: "acme-a", LaunchConfiguration: "acme-lc-1", Max: 2})
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-a", Template: v.Template, Version: "1"}))
	if g := value(w.AutoScaling.DescribeAutoScalingGroups(background(), []string{"acme-a"}))(t)[0]; g.LaunchConfiguration != "" || g.Template != v.Template || g.Version != "1" {
		t.Errorf("group is %+v", g)
	}
	must(t, w.AutoScaling.UpdateAutoScalingGroup(background(), port.GroupUpdate{Name: "acme-a", LaunchConfiguration: "acme-lc-1"}))
	if g := value(w.AutoScaling.DescribeAutoScalingGroups(background(), []string{"acme-a"}))(t)[0]; g.LaunchConfiguration != "acme-lc-1" || g.Template != "" {
		t.Errorf("group is %+v", g)
	}
}

func templateWithImage(t *testing.T, w World) {
	putBlocked(t, w)
	v := made(t, w, port.NewLaunchTemplate{Name: "acme-lt", Configuration: "acme-lc-1", Image: "ami-0000000000000000b", Root: "/dev/xvda", Token: "t1"})
	if v.Image != "ami-0000000000000000b" || strings.Count(v.Blocks, "SnapshotId") != 1 || !strings.Contains(v.Blocks, `"/dev/xvda"`) || strings.Contains(v.Blocks, "snap-0000000000000000a") {
		t.Errorf("version is %+v, want the root device without its snapshot", v)
	}
}

func templateNameTaken(t *testing.T, w World) {
	putBlocked(t, w)
	n := port.NewLaunchTemplate{Name: "acme-lt", Configuration: "acme-lc-1", Token: "t1"}
	value(w.EC2.CreateLaunchTemplate(background(), n))(t)
	n.Token = "t2"
	if _, err := w.EC2.CreateLaunchTemplate(background(), n); !errors.Is(err, port.ErrDuplicate) {
		t.Errorf("a name that is taken: %v, want ErrDuplicate", err)
	}
	n.Name, n.Configuration = "acme-other", "none"
	if _, err := w.EC2.CreateLaunchTemplate(background(), n); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("of no configuration: %v, want ErrNotFound", err)
	}
	if found := value(w.EC2.DescribeTemplatesNamed(background(), nil))(t); len(found) != 0 {
		t.Errorf("no names find %+v", found)
	}
}

func templateDeleted(t *testing.T, w World) {
	putBlocked(t, w)
	id := value(w.EC2.CreateLaunchTemplate(background(), port.NewLaunchTemplate{Name: "acme-lt", Configuration: "acme-lc-1"}))(t)
	must(t, w.EC2.DeleteLaunchTemplate(background(), id))
	if err := w.EC2.DeleteLaunchTemplate(background(), id); !errors.Is(err, port.ErrNotFound) {
		t.Errorf("deleting it again: %v, want ErrNotFound", err)
	}
	if found := fmt.Sprint(value(w.EC2.DescribeTemplatesNamed(background(), []string{"acme-lt"}))(t)); found != "[]" {
		t.Errorf("templates are %s", found)
	}
}
