package aws

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"

	"domctl.dev/internal/port"
)

// Names of the operations, as IAM writes them.
const (
	describeGroups         = "autoscaling:DescribeAutoScalingGroups"
	describeConfigurations = "autoscaling:DescribeLaunchConfigurations"
	createConfiguration    = "autoscaling:CreateLaunchConfiguration"
)

// Limits of names in one call; both APIs answer up to 100 a page.
const (
	maxGroups         = 100
	maxConfigurations = 50
)

// DescribeAutoScalingGroups by name; unknown names are left out, nil means all.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeAutoScalingGroups.html
func (c *Client) DescribeAutoScalingGroups(ctx context.Context, names []string) ([]port.AutoScalingGroup, error) {
	found, err := c.groups(ctx, names)
	if err != nil {
		return nil, err
	}
	var groups []port.AutoScalingGroup
	for _, g := range found {
		groups = append(groups, group(g))
	}
	return groups, nil
}

func (c *Client) groups(ctx context.Context, names []string) ([]types.AutoScalingGroup, error) {
	return batches(names, maxGroups, func(names []string) ([]types.AutoScalingGroup, error) {
		return pages(c, describeGroups, func(g types.AutoScalingGroup) string { return str(g.AutoScalingGroupName) }, func(token *string) ([]types.AutoScalingGroup, *string, error) {
			out, err := ask(ctx, c, describeGroups, c.autoscaling().DescribeAutoScalingGroups,
				&autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: names, MaxRecords: c.groupPage(names), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.AutoScalingGroups, out.NextToken, nil
		})
	})
}

// groupPage: the number of names allowed is that of the page.
func (c *Client) groupPage(names []string) *int32 {
	if names == nil {
		return c.pageSize(maxGroups)
	}
	most := int32(maxGroups)
	return &most
}

func group(g types.AutoScalingGroup) port.AutoScalingGroup {
	p := port.AutoScalingGroup{
		Name: str(g.AutoScalingGroupName), LaunchConfiguration: str(g.LaunchConfigurationName),
		Min: num(g.MinSize), Max: num(g.MaxSize), Desired: num(g.DesiredCapacity), Instances: int64(len(g.Instances)), Zones: g.AvailabilityZones, Warm: g.WarmPoolConfiguration != nil,
		Tags: tagMap(g.Tags, func(t types.TagDescription) (k, v *string) { return t.Key, t.Value }),
	}
	for _, t := range g.Tags {
		if t.PropagateAtLaunch != nil && *t.PropagateAtLaunch {
			p.Propagated = append(p.Propagated, str(t.Key))
		}
	}
	slices.Sort(p.Propagated)
	for _, s := range g.SuspendedProcesses {
		p.SuspendedProcesses = append(p.SuspendedProcesses, str(s.ProcessName))
	}
	slices.Sort(p.SuspendedProcesses)
	template := g.LaunchTemplate
	if m := g.MixedInstancesPolicy; m != nil && m.LaunchTemplate != nil {
		p.Mixed, template = true, m.LaunchTemplate.LaunchTemplateSpecification
		for _, o := range m.LaunchTemplate.Overrides {
			if o.InstanceType != nil {
				p.InstanceTypes = append(p.InstanceTypes, *o.InstanceType)
			}
			if from := override(o); from != (port.LaunchOverride{}) {
				p.Overrides = append(p.Overrides, from)
			}
		}
	}
	if template != nil {
		p.Template, p.Version = str(template.LaunchTemplateId), str(template.Version)
	}
	return p
}

func override(o types.LaunchTemplateOverrides) port.LaunchOverride {
	from := port.LaunchOverride{Image: str(o.ImageId)}
	if s := o.LaunchTemplateSpecification; s != nil {
		from.Template, from.Version = str(s.LaunchTemplateId), str(s.Version)
	}
	return from
}

// UpdateAutoScalingGroup changes what u names. The template of a mixed instances
// policy is replaced in the policy as it stands: its overrides are read and
// restated, its distribution is left out and so stays.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_UpdateAutoScalingGroup.html
func (c *Client) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	const name = "autoscaling:UpdateAutoScalingGroup"
	in := &autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: &u.Name, LaunchConfigurationName: filled(u.LaunchConfiguration)}
	var err error
	for _, s := range []struct {
		from *int64
		to   **int32
	}{{u.Min, &in.MinSize}, {u.Max, &in.MaxSize}, {u.Desired, &in.DesiredCapacity}} {
		if *s.to, err = size(s.from); err != nil {
			return fmt.Errorf("AWS %s: group %s: %w", name, u.Name, err)
		}
	}
	template := &types.LaunchTemplateSpecification{LaunchTemplateId: filled(u.Template), Version: filled(u.Version)}
	switch {
	case u.Template == "" && (u.Version != "" || u.Mixed):
		return fmt.Errorf("AWS %s: group %s: a version needs its launch template", name, u.Name)
	case u.Mixed:
		if in.MixedInstancesPolicy, err = c.policy(ctx, u.Name, template); err != nil {
			return err
		}
	case u.Template != "":
		in.LaunchTemplate = template
	}
	_, err = ask(ctx, c, name, c.autoscaling().UpdateAutoScalingGroup, in, func(o *autoscaling.Options) { o.Retryer = once() })
	return err
}

func (c *Client) policy(ctx context.Context, name string, template *types.LaunchTemplateSpecification) (*types.MixedInstancesPolicy, error) {
	found, err := c.groups(ctx, []string{name})
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("AWS %s: group %s: %w", describeGroups, name, port.ErrNotFound)
	}
	was := found[0].MixedInstancesPolicy
	if was == nil || was.LaunchTemplate == nil {
		return nil, fmt.Errorf("AWS %s: group %s has no mixed instances policy any more: plan again", describeGroups, name)
	}
	for i, o := range was.LaunchTemplate.Overrides {
		if o.LaunchTemplateSpecification != nil && o.LaunchTemplateSpecification.LaunchTemplateId != nil {
			// AWS answers id and name, and takes one of them.
			was.LaunchTemplate.Overrides[i].LaunchTemplateSpecification.LaunchTemplateName = nil
		}
	}
	return &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{
		LaunchTemplateSpecification: template, Overrides: was.LaunchTemplate.Overrides,
	}}, nil
}

// size is a group size as the APIs take it; nil stays nil.
func size(n *int64) (*int32, error) {
	if n == nil {
		return nil, nil
	}
	if *n < 0 || *n > math.MaxInt32 {
		return nil, fmt.Errorf("%d is not a size", *n)
	}
	small := int32(*n)
	return &small, nil
}

// DescribeLaunchConfigurations by name; unknown names are left out, nil means all.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DescribeLaunchConfigurations.html
func (c *Client) DescribeLaunchConfigurations(ctx context.Context, names []string) ([]port.LaunchConfiguration, error) {
	found, err := c.configurations(ctx, names)
	if err != nil {
		return nil, err
	}
	var all []port.LaunchConfiguration
	for _, l := range found {
		sizes := map[string]int64{}
		for _, m := range l.BlockDeviceMappings {
			if m.Ebs != nil && m.Ebs.VolumeSize != nil {
				sizes[str(m.DeviceName)] = int64(*m.Ebs.VolumeSize)
			}
		}
		all = append(all, port.LaunchConfiguration{Name: str(l.LaunchConfigurationName), Image: str(l.ImageId), InstanceType: str(l.InstanceType), Blocks: port.BlockSizes(sizes)})
	}
	return all, nil
}

func (c *Client) configurations(ctx context.Context, names []string) ([]types.LaunchConfiguration, error) {
	return batches(names, maxConfigurations, func(names []string) ([]types.LaunchConfiguration, error) {
		return pages(c, describeConfigurations, func(l types.LaunchConfiguration) string { return str(l.LaunchConfigurationName) }, func(token *string) ([]types.LaunchConfiguration, *string, error) {
			out, err := ask(ctx, c, describeConfigurations, c.autoscaling().DescribeLaunchConfigurations,
				&autoscaling.DescribeLaunchConfigurationsInput{LaunchConfigurationNames: names, MaxRecords: c.pageSize(100), NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return out.LaunchConfigurations, out.NextToken, nil
		})
	})
}

// CopyLaunchConfiguration creates name as from is, with another image.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_CreateLaunchConfiguration.html
func (c *Client) CopyLaunchConfiguration(ctx context.Context, from, name, image string) error {
	found, err := c.configurations(ctx, []string{from})
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return fmt.Errorf("AWS %s: launch configuration %s: %w", describeConfigurations, from, port.ErrNotFound)
	}
	in := copyOf(found[0])
	in.LaunchConfigurationName, in.ImageId = &name, &image
	_, err = ask(ctx, c, createConfiguration, c.autoscaling().CreateLaunchConfiguration, in, func(o *autoscaling.Options) { o.Retryer = once() })
	return err
}

// copyOf is the request that makes l again. AWS answers "" for strings that were
// not given, and refuses them.
func copyOf(l types.LaunchConfiguration) *autoscaling.CreateLaunchConfigurationInput {
	given := func(s *string) *string { return filled(str(s)) }
	return &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName:      l.LaunchConfigurationName,
		AssociatePublicIpAddress:     l.AssociatePublicIpAddress,
		BlockDeviceMappings:          l.BlockDeviceMappings,
		ClassicLinkVPCId:             given(l.ClassicLinkVPCId),
		ClassicLinkVPCSecurityGroups: l.ClassicLinkVPCSecurityGroups,
		EbsOptimized:                 l.EbsOptimized,
		IamInstanceProfile:           given(l.IamInstanceProfile),
		ImageId:                      l.ImageId,
		InstanceMonitoring:           l.InstanceMonitoring,
		InstanceType:                 given(l.InstanceType),
		KernelId:                     given(l.KernelId),
		KeyName:                      given(l.KeyName),
		MetadataOptions:              l.MetadataOptions,
		PlacementTenancy:             given(l.PlacementTenancy),
		RamdiskId:                    given(l.RamdiskId),
		SecurityGroups:               l.SecurityGroups,
		SpotPrice:                    given(l.SpotPrice),
		UserData:                     given(l.UserData),
	}
}

// DeleteLaunchConfiguration: ErrInUse while a group names it.
// https://docs.aws.amazon.com/autoscaling/ec2/APIReference/API_DeleteLaunchConfiguration.html
func (c *Client) DeleteLaunchConfiguration(ctx context.Context, name string) error {
	_, err := ask(ctx, c, "autoscaling:DeleteLaunchConfiguration", c.autoscaling().DeleteLaunchConfiguration,
		&autoscaling.DeleteLaunchConfigurationInput{LaunchConfigurationName: &name}, func(o *autoscaling.Options) { o.Retryer = once() })
	return err
}
