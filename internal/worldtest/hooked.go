package worldtest

import (
	"context"

	"domctl.dev/internal/port"
)

// Hooked asks Hook before and after every call of an outside. An error before
// keeps the call from being made; one after loses its answer, though it took
// effect. The error is the caller's answer.
type Hooked struct {
	Outside port.Outside
	Hook    func(call string, after bool) error
}

var _ port.Outside = Hooked{}

func ask[T any](h Hooked, call string, f func() (T, error)) (answer T, err error) {
	var none T
	if err := h.Hook(call, false); err != nil {
		return none, err
	}
	answer, err = f()
	if lost := h.Hook(call, true); lost != nil {
		return none, lost
	}
	return answer, err
}

func tell(h Hooked, call string, f func() error) error {
	_, err := ask(h, call, func() (struct{}, error) { return struct{}{}, f() })
	return err
}

// Database implements port.Documents.
func (h Hooked) Database(ctx context.Context) (port.Database, error) {
	return ask(h, "Database", func() (port.Database, error) { return h.Outside.Database(ctx) })
}

// Find implements port.Documents.
func (h Hooked) Find(ctx context.Context, q port.Query) ([]port.Document, error) {
	return ask(h, "Find", func() ([]port.Document, error) { return h.Outside.Find(ctx, q) })
}

// Count implements port.Documents.
func (h Hooked) Count(ctx context.Context, g port.Group) ([]port.Count, error) {
	return ask(h, "Count", func() ([]port.Count, error) { return h.Outside.Count(ctx, g) })
}

// InsertOne implements port.Documents.
func (h Hooked) InsertOne(ctx context.Context, collection string, d port.Document) error {
	return tell(h, "InsertOne", func() error { return h.Outside.InsertOne(ctx, collection, d) })
}

// UpdateOne implements port.Documents.
func (h Hooked) UpdateOne(ctx context.Context, collection string, where, set port.Document, unset []string) (bool, error) {
	return ask(h, "UpdateOne", func() (bool, error) { return h.Outside.UpdateOne(ctx, collection, where, set, unset) })
}

// DeleteOne implements port.Documents.
func (h Hooked) DeleteOne(ctx context.Context, collection string, where port.Document) (bool, error) {
	return ask(h, "DeleteOne", func() (bool, error) { return h.Outside.DeleteOne(ctx, collection, where) })
}

// GetCallerIdentity implements port.STS.
func (h Hooked) GetCallerIdentity(ctx context.Context) (port.Identity, error) {
	return ask(h, "GetCallerIdentity", func() (port.Identity, error) { return h.Outside.GetCallerIdentity(ctx) })
}

// DescribeImages implements port.EC2.
func (h Hooked) DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error) {
	return ask(h, "DescribeImages", func() ([]port.Image, error) { return h.Outside.DescribeImages(ctx, q) })
}

// DescribeLaunchTemplates implements port.EC2.
func (h Hooked) DescribeLaunchTemplates(ctx context.Context, ids []string) ([]port.LaunchTemplate, error) {
	return ask(h, "DescribeLaunchTemplates", func() ([]port.LaunchTemplate, error) { return h.Outside.DescribeLaunchTemplates(ctx, ids) })
}

// DescribeLaunchTemplateVersions implements port.EC2.
func (h Hooked) DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]port.LaunchTemplateVersion, error) {
	return ask(h, "DescribeLaunchTemplateVersions", func() ([]port.LaunchTemplateVersion, error) {
		return h.Outside.DescribeLaunchTemplateVersions(ctx, template, numbers)
	})
}

// DescribeDefaultVersions implements port.EC2.
func (h Hooked) DescribeDefaultVersions(ctx context.Context) ([]port.LaunchTemplateVersion, error) {
	return ask(h, "DescribeDefaultVersions", func() ([]port.LaunchTemplateVersion, error) { return h.Outside.DescribeDefaultVersions(ctx) })
}

// CreateLaunchTemplateVersion implements port.EC2.
func (h Hooked) CreateLaunchTemplateVersion(ctx context.Context, v port.NewLaunchTemplateVersion) (int64, error) {
	return ask(h, "CreateLaunchTemplateVersion", func() (int64, error) { return h.Outside.CreateLaunchTemplateVersion(ctx, v) })
}

// ModifyLaunchTemplate implements port.EC2.
func (h Hooked) ModifyLaunchTemplate(ctx context.Context, template string, def int64) error {
	return tell(h, "ModifyLaunchTemplate", func() error { return h.Outside.ModifyLaunchTemplate(ctx, template, def) })
}

// DeleteLaunchTemplateVersion implements port.EC2.
func (h Hooked) DeleteLaunchTemplateVersion(ctx context.Context, template string, number int64) error {
	return tell(h, "DeleteLaunchTemplateVersion", func() error { return h.Outside.DeleteLaunchTemplateVersion(ctx, template, number) })
}

// DescribeInstanceTypes implements port.EC2.
func (h Hooked) DescribeInstanceTypes(ctx context.Context, names []string) ([]port.InstanceType, error) {
	return ask(h, "DescribeInstanceTypes", func() ([]port.InstanceType, error) { return h.Outside.DescribeInstanceTypes(ctx, names) })
}

// DescribeAutoScalingGroups implements port.AutoScaling.
func (h Hooked) DescribeAutoScalingGroups(ctx context.Context, names []string) ([]port.AutoScalingGroup, error) {
	return ask(h, "DescribeAutoScalingGroups", func() ([]port.AutoScalingGroup, error) { return h.Outside.DescribeAutoScalingGroups(ctx, names) })
}

// DescribeLaunchConfigurations implements port.AutoScaling.
func (h Hooked) DescribeLaunchConfigurations(ctx context.Context, names []string) ([]port.LaunchConfiguration, error) {
	return ask(h, "DescribeLaunchConfigurations", func() ([]port.LaunchConfiguration, error) {
		return h.Outside.DescribeLaunchConfigurations(ctx, names)
	})
}

// CopyLaunchConfiguration implements port.AutoScaling.
func (h Hooked) CopyLaunchConfiguration(ctx context.Context, from, name, image string) error {
	return tell(h, "CopyLaunchConfiguration", func() error { return h.Outside.CopyLaunchConfiguration(ctx, from, name, image) })
}

// DeleteLaunchConfiguration implements port.AutoScaling.
func (h Hooked) DeleteLaunchConfiguration(ctx context.Context, name string) error {
	return tell(h, "DeleteLaunchConfiguration", func() error { return h.Outside.DeleteLaunchConfiguration(ctx, name) })
}

// UpdateAutoScalingGroup implements port.AutoScaling.
func (h Hooked) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	return tell(h, "UpdateAutoScalingGroup", func() error { return h.Outside.UpdateAutoScalingGroup(ctx, u) })
}

// ListNodegroups implements port.EKS.
func (h Hooked) ListNodegroups(ctx context.Context, cluster string) ([]string, error) {
	return ask(h, "ListNodegroups", func() ([]string, error) { return h.Outside.ListNodegroups(ctx, cluster) })
}

// DescribeCluster implements port.EKS.
func (h Hooked) DescribeCluster(ctx context.Context, name string) (port.Cluster, error) {
	return ask(h, "DescribeCluster", func() (port.Cluster, error) { return h.Outside.DescribeCluster(ctx, name) })
}

// DescribeNodegroup implements port.EKS.
func (h Hooked) DescribeNodegroup(ctx context.Context, cluster, name string) (port.NodeGroup, error) {
	return ask(h, "DescribeNodegroup", func() (port.NodeGroup, error) { return h.Outside.DescribeNodegroup(ctx, cluster, name) })
}

// UpdateNodegroupConfig implements port.EKS.
func (h Hooked) UpdateNodegroupConfig(ctx context.Context, cluster, name, token string, c port.NodegroupConfig) error {
	return tell(h, "UpdateNodegroupConfig", func() error { return h.Outside.UpdateNodegroupConfig(ctx, cluster, name, token, c) })
}

// GetParameters implements port.SSM.
func (h Hooked) GetParameters(ctx context.Context, names []string) (map[string]string, error) {
	return ask(h, "GetParameters", func() (map[string]string, error) { return h.Outside.GetParameters(ctx, names) })
}

// Digests implements port.Registry.
func (h Hooked) Digests(ctx context.Context, image string, platforms []string) (map[string]string, error) {
	return ask(h, "Digests", func() (map[string]string, error) { return h.Outside.Digests(ctx, image, platforms) })
}

// Layers implements port.Registry.
func (h Hooked) Layers(ctx context.Context, image, platform string) (port.Manifest, error) {
	return ask(h, "Layers", func() (port.Manifest, error) { return h.Outside.Layers(ctx, image, platform) })
}
