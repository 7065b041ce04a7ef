package engine

import (
	"context"

	"domctl.dev/internal/port"
)

// onceRegion is once for a region; "" is the deployment's own.
type onceRegion struct {
	port.Region
	*memory
	region string
}

// DescribeImages is port.Region's.
func (o onceRegion) DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error) {
	return list(o.memory, func() ([]port.Image, error) { return o.Region.DescribeImages(ctx, q) }, "DescribeImages", o.region, q)
}

// DescribeLaunchPermission is port.Region's.
func (o onceRegion) DescribeLaunchPermission(ctx context.Context, image string) (port.LaunchPermission, error) {
	return recall(o.memory, func() (port.LaunchPermission, error) { return o.Region.DescribeLaunchPermission(ctx, image) }, "DescribeLaunchPermission", o.region, image)
}

// DescribeSnapshots is port.Region's.
func (o onceRegion) DescribeSnapshots(ctx context.Context, q port.Select) ([]port.Snapshot, error) {
	return list(o.memory, func() ([]port.Snapshot, error) { return o.Region.DescribeSnapshots(ctx, q) }, "DescribeSnapshots", o.region, q)
}

// DescribeInstances is port.Region's.
func (o onceRegion) DescribeInstances(ctx context.Context, q port.Select) ([]port.Instance, error) {
	return list(o.memory, func() ([]port.Instance, error) { return o.Region.DescribeInstances(ctx, q) }, "DescribeInstances", o.region, q)
}

// DescribeLaunchTemplates is port.Region's.
func (o onceRegion) DescribeLaunchTemplates(ctx context.Context, ids []string) ([]port.LaunchTemplate, error) {
	return list(o.memory, func() ([]port.LaunchTemplate, error) { return o.Region.DescribeLaunchTemplates(ctx, ids) }, "DescribeLaunchTemplates", o.region, ids)
}

// DescribeLaunchTemplateVersions is port.Region's.
func (o onceRegion) DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	return list(o.memory, func() ([]port.LaunchTemplateVersion, error) {
		return o.Region.DescribeLaunchTemplateVersions(ctx, template, numbers)
	}, "DescribeLaunchTemplateVersions", o.region, template, numbers)
}

// DescribeDefaultVersions is port.Region's.
func (o onceRegion) DescribeDefaultVersions(ctx context.Context) ([]port.LaunchTemplateVersion, error) {
	return list(o.memory, func() ([]port.LaunchTemplateVersion, error) { return o.Region.DescribeDefaultVersions(ctx) }, "DescribeDefaultVersions", o.region)
}

// DescribeAutoScalingGroups is port.Region's.
func (o onceRegion) DescribeAutoScalingGroups(ctx context.Context, names []string) ([]port.AutoScalingGroup, error) {
	return list(o.memory, func() ([]port.AutoScalingGroup, error) { return o.Region.DescribeAutoScalingGroups(ctx, names) }, "DescribeAutoScalingGroups", o.region, names)
}

// DescribeLaunchConfigurations is port.Region's.
func (o onceRegion) DescribeLaunchConfigurations(ctx context.Context, names []string) ([]port.LaunchConfiguration, error) {
	return list(o.memory, func() ([]port.LaunchConfiguration, error) { return o.Region.DescribeLaunchConfigurations(ctx, names) }, "DescribeLaunchConfigurations", o.region, names)
}

// GetParameters is port.Region's.
func (o onceRegion) GetParameters(ctx context.Context, names []string) (map[string]string, error) {
	return recall(o.memory, func() (map[string]string, error) { return o.Region.GetParameters(ctx, names) }, "GetParameters", o.region, names)
}
