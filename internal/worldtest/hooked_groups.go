package worldtest

import (
	"context"
	"time"

	"domctl.dev/internal/port"
)

// DescribeAutoScalingInstances implements port.GroupInstances.
func (h Hooked) DescribeAutoScalingInstances(ctx context.Context, groups []string) ([]port.GroupInstance, error) {
	return ask(h, "DescribeAutoScalingInstances", func() ([]port.GroupInstance, error) {
		return h.Outside.DescribeAutoScalingInstances(ctx, groups)
	})
}

// TerminateInstanceInGroup implements port.GroupInstances.
func (h Hooked) TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error {
	return tell(h, "TerminateInstanceInGroup", func() error { return h.Outside.TerminateInstanceInGroup(ctx, id, smaller) })
}

// StartInstanceRefresh implements port.GroupInstances.
func (h Hooked) StartInstanceRefresh(ctx context.Context, r port.NewInstanceRefresh) (string, error) {
	return ask(h, "StartInstanceRefresh", func() (string, error) { return h.Outside.StartInstanceRefresh(ctx, r) })
}

// DescribeInstanceRefreshes implements port.GroupInstances.
func (h Hooked) DescribeInstanceRefreshes(ctx context.Context, group string) ([]port.InstanceRefresh, error) {
	return ask(h, "DescribeInstanceRefreshes", func() ([]port.InstanceRefresh, error) {
		return h.Outside.DescribeInstanceRefreshes(ctx, group)
	})
}

// CancelInstanceRefresh implements port.GroupInstances.
func (h Hooked) CancelInstanceRefresh(ctx context.Context, group string) error {
	return tell(h, "CancelInstanceRefresh", func() error { return h.Outside.CancelInstanceRefresh(ctx, group) })
}

// FailedActivities implements port.GroupInstances.
func (h Hooked) FailedActivities(ctx context.Context, group string, since time.Time) ([]port.FailedActivity, error) {
	return ask(h, "FailedActivities", func() ([]port.FailedActivity, error) { return h.Outside.FailedActivities(ctx, group, since) })
}

// TagGroup implements port.AutoScaling.
func (h Hooked) TagGroup(ctx context.Context, group string, tags []port.GroupTag) error {
	return tell(h, "TagGroup", func() error { return h.Outside.TagGroup(ctx, group, tags) })
}

// UntagGroup implements port.AutoScaling.
func (h Hooked) UntagGroup(ctx context.Context, group string, keys []string) error {
	return tell(h, "UntagGroup", func() error { return h.Outside.UntagGroup(ctx, group, keys) })
}

// UpdateNodegroupVersion implements port.NodegroupVersions.
func (h Hooked) UpdateNodegroupVersion(ctx context.Context, cluster, name, token string, version int64, force bool) (string, error) {
	return ask(h, "UpdateNodegroupVersion", func() (string, error) {
		return h.Outside.UpdateNodegroupVersion(ctx, cluster, name, token, version, force)
	})
}

// DescribeUpdate implements port.NodegroupVersions.
func (h Hooked) DescribeUpdate(ctx context.Context, cluster, name, update string) (port.NodegroupUpdate, error) {
	return ask(h, "DescribeUpdate", func() (port.NodegroupUpdate, error) { return h.Outside.DescribeUpdate(ctx, cluster, name, update) })
}
