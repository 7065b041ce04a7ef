package worldtest

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"domctl.dev/internal/port"
)

// paged is a read that comes in pages: how to fill them, and the read itself,
// which answers how many it found.
type paged struct {
	call   string
	source string
	has    func(World) bool
	fill   func(t *testing.T, w World)
	read   func(w World) (int, error)
}

func pagedReads() []paged {
	return slices.Concat(pagedDocuments(), pagedEC2(), pagedGroups(), pagedNodes(), pagedKarpenter())
}

func pagedDocuments() []paged {
	has := func(w World) bool { return w.Documents != nil }
	fill := func(t *testing.T, w World) {
		docs := make([]string, w.Many)
		for i := range docs {
			docs[i] = fmt.Sprintf(`{"_id": %d}`, i)
		}
		w.Put.Documents(t, things, docs...)
	}
	return []paged{
		{"Find", "MongoDB manual, Iterate a Cursor", has, fill, func(w World) (int, error) {
			docs, err := w.Documents.Find(background(), port.Query{Collection: things})
			return len(docs), err
		}},
		{"Count", "MongoDB manual, aggregate, cursor", has, fill, func(w World) (int, error) {
			groups, err := w.Documents.Count(background(), port.Group{Collection: things, By: []string{"_id"}})
			return len(groups), err
		}},
	}
}

func pagedEC2() []paged {
	has := func(w World) bool { return w.EC2 != nil }
	templates := func(t *testing.T, w World) {
		for i := range w.Many {
			w.Put.Template(t, fmt.Sprint("acme-", i), port.LaunchTemplateVersion{Image: "ami-0000000000000000a", InstanceType: "m6i.2xlarge"})
		}
	}
	images := func(t *testing.T, w World) {
		for i := range w.Many {
			putImage(t, w, fmt.Sprint("acme-", i))
		}
	}
	instances := func(t *testing.T, w World) {
		image, _ := putImage(t, w, "acme-base")
		for i := range w.Many {
			value(w.EC2.RunInstance(background(), port.NewInstance{Token: fmt.Sprint("t", i), Image: image, Type: "m5.xlarge"}))(t)
		}
	}
	volumes := func(t *testing.T, w World) {
		for range w.Many {
			w.Put.Volume(t, port.Volume{GiB: 8, Tags: ours()})
		}
	}
	snapshots := func(t *testing.T, w World) {
		for range w.Many {
			w.Put.Snapshot(t, port.Snapshot{GiB: 8, Tags: ours()})
		}
	}
	groups := func(t *testing.T, w World) {
		for i := range w.Many {
			w.Put.SecurityGroup(t, port.SecurityGroup{Name: fmt.Sprint("acme-", i), Tags: ours()})
		}
	}
	return []paged{
		{"DescribeVolumes", "EC2 API Reference, DescribeVolumes, NextToken", has, volumes, func(w World) (int, error) {
			found, err := w.EC2.DescribeVolumes(background(), byTag())
			return len(found), err
		}},
		{"DescribeSnapshots", "EC2 API Reference, DescribeSnapshots, NextToken", has, snapshots, func(w World) (int, error) {
			found, err := w.EC2.DescribeSnapshots(background(), byTag())
			return len(found), err
		}},
		{"DescribeSecurityGroups", "EC2 API Reference, DescribeSecurityGroups, NextToken", has, groups, func(w World) (int, error) {
			found, err := w.EC2.DescribeSecurityGroups(background(), byTag())
			return len(found), err
		}},
		{"DescribeInstances", "EC2 API Reference, DescribeInstances, NextToken", has, instances, func(w World) (int, error) {
			found, err := w.EC2.DescribeInstances(background(), port.Select{})
			return len(found), err
		}},
		{"DescribeImages", describeImages + ", NextToken", has, images, func(w World) (int, error) {
			found, err := w.EC2.DescribeImages(background(), port.ImageQuery{Owners: []string{"self"}})
			return len(found), err
		}},
		{"DescribeLaunchTemplates", "EC2 API Reference, DescribeLaunchTemplates, NextToken", has, templates, func(w World) (int, error) {
			found, err := w.EC2.DescribeLaunchTemplates(background(), nil)
			return len(found), err
		}},
		{"DescribeDefaultVersions", "EC2 API Reference, DescribeLaunchTemplateVersions, NextToken", has, templates, func(w World) (int, error) {
			found, err := w.EC2.DescribeDefaultVersions(background())
			return len(found), err
		}},
	}
}

func pagedGroups() []paged {
	has := func(w World) bool { return w.AutoScaling != nil }
	configurations := func(t *testing.T, w World) {
		for i := range w.Many {
			w.Put.Configuration(t, port.LaunchConfiguration{Name: fmt.Sprint("acme-lc-", i), Image: "ami-0000000000000000a", InstanceType: "m5.2xlarge"})
		}
	}
	groups := func(t *testing.T, w World) {
		putConfiguration(t, w)
		for i := range w.Many {
			w.Put.Group(t, port.AutoScalingGroup{Name: fmt.Sprint("acme-", i), LaunchConfiguration: "acme-lc-1", Max: 1})
		}
	}
	instances := func(t *testing.T, w World) {
		putConfiguration(t, w)
		for i := range w.Many {
			w.Put.Group(t, port.AutoScalingGroup{Name: fmt.Sprint("acme-", i), LaunchConfiguration: "acme-lc-1", Max: 1, Desired: 1})
		}
	}
	refreshes := func(t *testing.T, w World) {
		putGroup(t, w, nil)
		for range w.Many {
			value(w.AutoScaling.StartInstanceRefresh(background(), refreshOf(nil)))(t)
			refreshEnded(t, w)
		}
	}
	failures := func(t *testing.T, w World) {
		putGroup(t, w, func(g *port.AutoScalingGroup) { g.Max = int64(2 + w.Many) })
		serving(t, w, "acme-gpu-a", 2)
		w.Put.Lacking(t, "acme-gpu-a", 2, "VcpuLimitExceeded")
		for i := range w.Many {
			must(t, resize(w, -1, -1, int64(3+i)))
		}
	}
	nodeGroups := func(t *testing.T, w World) {
		for i := range w.Many {
			w.Put.NodeGroup(t, port.NodeGroup{Cluster: "acme", Name: fmt.Sprint("ng-", i), Max: 1, InstanceTypes: []string{"m6i.2xlarge"}})
		}
	}
	return []paged{
		{"DescribeAutoScalingGroups", "Auto Scaling API Reference, DescribeAutoScalingGroups, NextToken", has, groups, func(w World) (int, error) {
			found, err := w.AutoScaling.DescribeAutoScalingGroups(background(), nil)
			return len(found), err
		}},
		{"DescribeAutoScalingInstances", "Auto Scaling API Reference, DescribeAutoScalingGroups, NextToken", has, instances, func(w World) (int, error) {
			found, err := w.AutoScaling.DescribeAutoScalingInstances(background(), nil)
			return len(found), err
		}},
		{"DescribeInstanceRefreshes", "Auto Scaling API Reference, DescribeInstanceRefreshes, NextToken", has, refreshes, func(w World) (int, error) {
			found, err := w.AutoScaling.DescribeInstanceRefreshes(background(), "acme-gpu-a")
			return len(found), err
		}},
		{"FailedActivities", "Auto Scaling API Reference, DescribeScalingActivities, NextToken", has, failures, func(w World) (int, error) {
			found, err := failuresOf(w)
			return len(found), err
		}},
		{"DescribeLaunchConfigurations", "Auto Scaling API Reference, DescribeLaunchConfigurations, NextToken", has, configurations, func(w World) (int, error) {
			found, err := w.AutoScaling.DescribeLaunchConfigurations(background(), nil)
			return len(found), err
		}},
		{"ListNodegroups", "EKS API Reference, ListNodegroups, nextToken", func(w World) bool { return w.EKS != nil }, nodeGroups, func(w World) (int, error) {
			found, err := w.EKS.ListNodegroups(background(), "acme")
			return len(found), err
		}},
	}
}

// pageCases: all or an error, for every read that comes in pages.
func pageCases() (cases []Case) {
	for _, p := range pagedReads() {
		cases = append(cases, Case{Name: "Pages/" + p.call, Source: p.source, has: p.has, run: p.complete})
		targets := map[Failure]error{PartialPage: nil, RepeatedToken: nil, Denied: port.ErrDenied, Throttled: port.ErrThrottled}
		for _, how := range slices.Sorted(maps.Keys(targets)) {
			target := targets[how]
			cases = append(cases, Case{
				Name: "Fails/" + p.call + "/" + string(how), Source: p.source, has: p.has,
				run: func(t *testing.T, w World) { p.fails(t, w, how, target) },
			})
		}
	}
	return cases
}

func (p paged) complete(t *testing.T, w World) {
	p.fill(t, w)
	if n := value(p.read(w))(t); n != w.Many {
		t.Errorf("%s answers %d objects, want all %d", p.call, n, w.Many)
	}
}

func (p paged) fails(t *testing.T, w World, how Failure, target error) {
	p.fill(t, w)
	w.Break(t, p.call, how)
	n, err := p.read(w)
	if err == nil || n != 0 {
		t.Errorf("%s answers %d objects and error %v, want an error alone", p.call, n, err)
	}
	if target != nil && !errors.Is(err, target) {
		t.Errorf("%s answers %v, want %v", p.call, err, target)
	}
}
