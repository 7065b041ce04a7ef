package port

import (
	"context"
	"slices"
	"strings"
	"time"
)

// GroupInstance is one instance of an Auto Scaling group.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Instance.html
type GroupInstance struct {
	ID, Group, Zone, Type string
	Lifecycle             string // "InService", "Pending", "Terminating:Wait", "Standby", "Warmed:Stopped" …
	Healthy, Protected    bool   // Protected: from scale-in
	// Template and Version, or LaunchConfiguration, are what it was launched from; empty
	// where that is gone.
	Template, Version, LaunchConfiguration string
}

// Leaving says that it is on its way out of its group.
func (i GroupInstance) Leaving() bool {
	return strings.Contains(i.Lifecycle, "Terminat") || strings.HasPrefix(i.Lifecycle, "Detach")
}

// InstanceRefresh is one refresh of a group.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_InstanceRefresh.html
type InstanceRefresh struct {
	ID, Group, Status, Reason string // Status: "Pending", "InProgress", "Successful", "Failed", "Cancelling" …
	Percent                   int64  // complete
	Started, Ended            time.Time
}

// Live says whether the group takes no other refresh beside it.
func (r InstanceRefresh) Live() bool {
	return slices.Contains([]string{"Pending", "InProgress", "Baking", "Cancelling", "RollbackInProgress"}, r.Status)
}

// NewInstanceRefresh starts one. MinHealthy and MaxHealthy are percent of the group's
// desired capacity, both stated: to leave MaxHealthy out means another thing than 100.
type NewInstanceRefresh struct {
	Group                  string
	MinHealthy, MaxHealthy int64
	SkipMatching           bool
	// Template (an id), Version and Mixed are the desired configuration: what the new
	// instances are launched from, and the group itself once the refresh succeeded. ""
	// leaves what the group states.
	Template, Version string
	Mixed             bool
	// Checkpoints are percentages at which it waits for Delay; none: it does not wait.
	Checkpoints []int64
	Delay       time.Duration
	// ScaleInProtected and Standby: "Wait", "Ignore", or what AWS calls to replace them.
	ScaleInProtected, Standby string
}

// FailedActivity is a scaling activity of a group that failed: most often an instance that
// was to be launched, and was not.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_Activity.html
type FailedActivity struct {
	Started time.Time
	// Code is that of EC2 as far as the message says it ("InsufficientInstanceCapacity",
	// "VcpuLimitExceeded"), else empty; Message is AWS's own.
	Code, Message string
}

// GroupInstances is the part of Auto Scaling that replaces a group's instances.
type GroupInstances interface {
	// DescribeAutoScalingInstances of groups, without those of warm pools; nil means every
	// group. Unknown groups are left out. AWS answers them with the groups.
	DescribeAutoScalingInstances(ctx context.Context, groups []string) ([]GroupInstance, error)
	// TerminateInstanceInGroup ends one; smaller lowers the group's desired capacity with
	// it. An instance of no group is ErrNotFound; a desired capacity that would go below
	// the minimum is ErrState. Protection from scale-in does not keep it.
	TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error
	// StartInstanceRefresh answers its id; ErrInUse while another is in progress,
	// ErrNotFound for a missing group, template or version.
	StartInstanceRefresh(ctx context.Context, r NewInstanceRefresh) (id string, err error)
	// DescribeInstanceRefreshes of one group, the newest first; a missing group is
	// ErrNotFound. AWS keeps them for six weeks.
	DescribeInstanceRefreshes(ctx context.Context, group string) ([]InstanceRefresh, error)
	// CancelInstanceRefresh answers ErrNotFound where none is in progress. What was
	// replaced stays, and a replacement that was begun is finished.
	CancelInstanceRefresh(ctx context.Context, group string) error
	// FailedActivities of one group that were begun since then, the newest first; a missing
	// group is ErrNotFound. AWS keeps them for six weeks.
	FailedActivities(ctx context.Context, group string, since time.Time) ([]FailedActivity, error)
}

// NodegroupUpdate is one update of a managed node group.
// https://docs.aws.amazon.com/eks/latest/APIReference/API_Update.html
type NodegroupUpdate struct {
	ID, Status string // "InProgress", "Failed", "Cancelled", "Successful"
	Errors     []string
	Created    time.Time
}

// NodegroupVersions is the part of EKS that rolls a managed node group, which drains its
// nodes at once.
type NodegroupVersions interface {
	// UpdateNodegroupVersion goes to a version of the group's own launch template; force
	// ends pods that a budget keeps. The same token answers the same update; ErrInUse while
	// the group is not ACTIVE, ErrState for one without a launch template.
	UpdateNodegroupVersion(ctx context.Context, cluster, name, token string, version int64, force bool) (update string, err error)
	// DescribeUpdate answers ErrNotFound for an unknown one.
	DescribeUpdate(ctx context.Context, cluster, name, update string) (NodegroupUpdate, error)
}
