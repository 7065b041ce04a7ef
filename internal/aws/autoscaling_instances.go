package aws

import (
	"context"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"domctl.dev/internal/port"
)

// Names of the operations, as IAM writes them.
const (
	describeRefreshes = "autoscaling:DescribeInstanceRefreshes"
	startRefresh      = "autoscaling:StartInstanceRefresh"
	cancelRefresh     = "autoscaling:CancelInstanceRefresh"
	terminateInGroup  = "autoscaling:TerminateInstanceInAutoScalingGroup"
)

// DescribeAutoScalingInstances are those that their groups answer: the call of this
// name takes instances, not groups.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_AutoScalingGroup.html
func (c *Client) DescribeAutoScalingInstances(ctx context.Context, groups []string) ([]port.GroupInstance, error) {
	found, err := c.groups(ctx, groups)
	if err != nil {
		return nil, err
	}
	var all []port.GroupInstance
	for _, g := range found {
		for _, i := range g.Instances {
			if str(i.InstanceId) == "" {
				return nil, hollow(describeGroups, "an instance without its id")
			}
			all = append(all, groupInstance(str(g.AutoScalingGroupName), i))
		}
	}
	return all, nil
}

func groupInstance(group string, i types.Instance) port.GroupInstance {
	p := port.GroupInstance{ID: str(i.InstanceId), Group: group, Zone: str(i.AvailabilityZone), Type: str(i.InstanceType),
		Lifecycle: string(i.LifecycleState), Healthy: str(i.HealthStatus) == "Healthy", Protected: i.ProtectedFromScaleIn != nil && *i.ProtectedFromScaleIn,
		LaunchConfiguration: str(i.LaunchConfigurationName)}
	if t := i.LaunchTemplate; t != nil {
		p.Template, p.Version = str(t.LaunchTemplateId), str(t.Version)
	}
	return p
}

// TerminateInstanceInGroup ends an instance, and lowers the desired capacity with it
// if smaller.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_TerminateInstanceInAutoScalingGroup.html
func (c *Client) TerminateInstanceInGroup(ctx context.Context, id string, smaller bool) error {
	in := &autoscaling.TerminateInstanceInAutoScalingGroupInput{InstanceId: &id, ShouldDecrementDesiredCapacity: &smaller}
	_, err := ask(ctx, c, terminateInGroup, c.autoscaling().TerminateInstanceInAutoScalingGroup, in, groupOnce)
	return err
}

// groupOnce keeps the SDK from repeating a write of Auto Scaling.
func groupOnce(o *autoscaling.Options) { o.Retryer = once() }

// StartInstanceRefresh begins to replace a group's instances.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_StartInstanceRefresh.html
func (c *Client) StartInstanceRefresh(ctx context.Context, r port.NewInstanceRefresh) (string, error) {
	in, err := c.refresh(ctx, r)
	if err != nil {
		return "", err
	}
	out, err := ask(ctx, c, startRefresh, c.autoscaling().StartInstanceRefresh, in, groupOnce)
	if err != nil {
		return "", err
	}
	if str(out.InstanceRefreshId) == "" {
		return "", hollow(startRefresh, "no id")
	}
	return *out.InstanceRefreshId, nil
}

func (c *Client) refresh(ctx context.Context, r port.NewInstanceRefresh) (*autoscaling.StartInstanceRefreshInput, error) {
	p := &types.RefreshPreferences{SkipMatching: &r.SkipMatching, ScaleInProtectedInstances: types.ScaleInProtectedInstances(r.ScaleInProtected),
		StandbyInstances: types.StandbyInstances(r.Standby)}
	var err error
	for _, s := range []struct {
		from int64
		to   **int32
	}{{r.MinHealthy, &p.MinHealthyPercentage}, {r.MaxHealthy, &p.MaxHealthyPercentage}} {
		if *s.to, err = size(&s.from); err != nil {
			return nil, fmt.Errorf("AWS %s: group %s: %w", startRefresh, r.Group, err)
		}
	}
	for _, percent := range r.Checkpoints {
		n, err := size(&percent)
		if err != nil {
			return nil, fmt.Errorf("AWS %s: group %s: checkpoint: %w", startRefresh, r.Group, err)
		}
		p.CheckpointPercentages = append(p.CheckpointPercentages, *n)
	}
	if len(r.Checkpoints) > 0 {
		p.CheckpointDelay = new(int32(r.Delay / time.Second))
	}
	in := &autoscaling.StartInstanceRefreshInput{AutoScalingGroupName: &r.Group, Preferences: p, Strategy: types.RefreshStrategyRolling}
	if r.Template == "" {
		return in, nil
	}
	from := &types.LaunchTemplateSpecification{LaunchTemplateId: &r.Template, Version: filled(r.Version)}
	in.DesiredConfiguration = &types.DesiredConfiguration{LaunchTemplate: from}
	if r.Mixed {
		policy, err := c.policy(ctx, r.Group, from)
		if err != nil {
			return nil, fmt.Errorf("%w: %w", port.ErrUnsent, err)
		}
		in.DesiredConfiguration = &types.DesiredConfiguration{MixedInstancesPolicy: policy}
	}
	return in, nil
}

// DescribeInstanceRefreshes of a group, the newest first.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeInstanceRefreshes.html
func (c *Client) DescribeInstanceRefreshes(ctx context.Context, group string) ([]port.InstanceRefresh, error) {
	found, err := pages(c, describeRefreshes, func(r types.InstanceRefresh) string { return str(r.InstanceRefreshId) }, func(token *string) ([]types.InstanceRefresh, *string, error) {
		out, err := ask(ctx, c, describeRefreshes, c.autoscaling().DescribeInstanceRefreshes,
			&autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: &group, MaxRecords: c.pageSize(100), NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return out.InstanceRefreshes, out.NextToken, nil
	})
	if err != nil {
		return nil, err
	}
	var all []port.InstanceRefresh
	for _, r := range found {
		p := port.InstanceRefresh{ID: str(r.InstanceRefreshId), Group: group, Status: string(r.Status), Reason: str(r.StatusReason), Percent: num(r.PercentageComplete)}
		if r.StartTime != nil {
			p.Started = r.StartTime.UTC()
		}
		if r.EndTime != nil {
			p.Ended = r.EndTime.UTC()
		}
		all = append(all, p)
	}
	return all, nil
}

// CancelInstanceRefresh stops the one in progress.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CancelInstanceRefresh.html
func (c *Client) CancelInstanceRefresh(ctx context.Context, group string) error {
	_, err := ask(ctx, c, cancelRefresh, c.autoscaling().CancelInstanceRefresh, &autoscaling.CancelInstanceRefreshInput{AutoScalingGroupName: &group}, groupOnce)
	return err
}
