package world

import (
	"context"
	"errors"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// checkAWS makes each read once, of next to nothing.
func (w *World) checkAWS(ctx context.Context, d schema.Desired) []Check {
	probes := map[string]func() error{
		"ec2:DescribeImages": func() error {
			_, err := w.Outside.DescribeImages(ctx, port.ImageQuery{Owners: []string{"self"}, Filters: map[string][]string{"name": {"domctl-doctor"}}})
			return err
		},
		"ec2:DescribeInstances": func() error {
			_, err := w.Outside.DescribeInstances(ctx, port.Select{IDs: []string{"i-00000000000000000"}})
			return err
		},
		"ec2:DescribeInstanceTypes": func() error {
			_, err := w.Outside.DescribeInstanceTypes(ctx, []string{"m5.large"})
			return err
		},
		"ec2:DescribeInstanceTypeOfferings": func() error {
			_, err := w.Outside.DescribeInstanceTypeOfferings(ctx, []string{"m5.large"})
			return err
		},
		"ec2:DescribeLaunchTemplates": func() error {
			_, err := w.Outside.DescribeLaunchTemplates(ctx, []string{"lt-00000000000000000"})
			return err
		},
		"ec2:DescribeLaunchTemplateVersions": func() error { _, err := w.Outside.DescribeDefaultVersions(ctx); return err },
		"autoscaling:DescribeAutoScalingGroups": func() error {
			_, err := w.Outside.DescribeAutoScalingGroups(ctx, []string{"domctl-doctor"})
			return err
		},
		"autoscaling:DescribeLaunchConfigurations": func() error {
			_, err := w.Outside.DescribeLaunchConfigurations(ctx, []string{"domctl-doctor"})
			return err
		},
		"autoscaling:DescribeScalingActivities": func() error {
			_, err := w.Outside.FailedActivities(ctx, "domctl-doctor", time.Time{})
			return orNothing(err)
		},
	}
	if schema.Rolls(d) {
		probes["autoscaling:DescribeInstanceRefreshes"] = func() error {
			_, err := w.Outside.DescribeInstanceRefreshes(ctx, "domctl-doctor")
			return orNothing(err)
		}
	}
	if schema.WatchesAlarms(d) {
		probes["cloudwatch:DescribeAlarms"] = func() error {
			_, err := w.Outside.DescribeAlarms(ctx, []string{"domctl-doctor"})
			return err
		}
	}
	if cluster := w.Deployment.AWS.Cluster; cluster != "" {
		probes["eks:DescribeCluster"] = func() error { _, err := w.Outside.DescribeCluster(ctx, cluster); return err }
		probes["eks:ListNodegroups"] = func() error { _, err := w.Outside.ListNodegroups(ctx, cluster); return err }
	}
	for _, o := range d.Objects {
		if name := o.Fields["ssm"].Str(); name != "" {
			probes["ssm:GetParameters"] = func() error { _, err := w.Outside.GetParameters(ctx, []string{name}); return err }
		}
	}
	names := schema.Sorted(probes)
	checks, _ := each(names, func(name string) (Check, error) {
		if err := probes[name](); err != nil {
			return unread(name, err), nil
		}
		return passed(name, "allowed"), nil
	})
	return checks
}

// orNothing takes nothing there for an answer.
func orNothing(err error) error {
	if errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return err
}
