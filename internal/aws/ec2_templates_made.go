package aws

import (
	"context"
	"fmt"
	"strings"

	astypes "github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

const (
	createTemplate = "ec2:CreateLaunchTemplate"
	deleteTemplate = "ec2:DeleteLaunchTemplate"
)

// DescribeTemplatesNamed by EC2's filter, which misses nothing by failing.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeLaunchTemplates.html
func (c *Client) DescribeTemplatesNamed(ctx context.Context, names []string) ([]port.LaunchTemplate, error) {
	if len(names) == 0 {
		return nil, nil
	}
	found, err := batches(names, maxValues, func(names []string) ([]types.LaunchTemplate, error) {
		in := &ec2.DescribeLaunchTemplatesInput{Filters: []types.Filter{{Name: new("launch-template-name"), Values: names}}, MaxResults: c.pageSize(200)}
		return pages(c, describeTemplates, func(t types.LaunchTemplate) string { return str(t.LaunchTemplateId) }, func(token *string) ([]types.LaunchTemplate, *string, error) {
			in.NextToken = token
			out, err := ask(ctx, c, describeTemplates, c.ec2().DescribeLaunchTemplates, in)
			if err != nil {
				return nil, nil, err
			}
			return out.LaunchTemplates, out.NextToken, nil
		})
	})
	if err != nil {
		return nil, err
	}
	return templatesOf(found), nil
}

// CreateLaunchTemplate reads a launch configuration and creates a template that launches
// the same.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateLaunchTemplate.html
func (c *Client) CreateLaunchTemplate(ctx context.Context, n port.NewLaunchTemplate) (string, error) {
	found, err := c.configurations(ctx, []string{n.Configuration})
	if err != nil {
		return "", fmt.Errorf("%w: %w", port.ErrUnsent, err)
	}
	if len(found) == 0 {
		return "", fmt.Errorf("AWS %s: launch configuration %s: %w", describeConfigurations, n.Configuration, port.ErrNotFound)
	}
	data, err := templateOf(found[0], n)
	if err != nil {
		return "", err
	}
	return c.createTemplate(ctx, n, data)
}

func (c *Client) createTemplate(ctx context.Context, n port.NewLaunchTemplate, data *types.RequestLaunchTemplateData) (string, error) {
	out, err := ask(ctx, c, createTemplate, c.ec2().CreateLaunchTemplate, &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &n.Name,
		LaunchTemplateData: data, VersionDescription: filled(n.Description), ClientToken: filled(n.Token)}, ec2Once)
	if err != nil {
		return "", err
	}
	if out.LaunchTemplate == nil || str(out.LaunchTemplate.LaunchTemplateId) == "" {
		return "", hollow(createTemplate, "no template")
	}
	if out.Warning != nil && c.cfg.Warn != nil {
		for _, w := range out.Warning.Errors { // whose texts may repeat user data
			c.cfg.Warn(createTemplate, str(w.Code))
		}
	}
	return *out.LaunchTemplate.LaunchTemplateId, nil
}

// templateOf says of a launch configuration what a launch template says of the same
// instances. What only EC2-Classic had is refused, not dropped.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/migrate-launch-configurations-with-cloudformation.html
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RequestLaunchTemplateData.html
func templateOf(l astypes.LaunchConfiguration, n port.NewLaunchTemplate) (*types.RequestLaunchTemplateData, error) {
	if str(l.ClassicLinkVPCId) != "" || len(l.ClassicLinkVPCSecurityGroups) > 0 {
		return nil, fmt.Errorf("AWS %s: launch configuration %s links EC2-Classic, which no launch template does: %w", createTemplate, n.Configuration, port.ErrState)
	}
	d := &types.RequestLaunchTemplateData{
		ImageId: filled(n.Image), InstanceType: types.InstanceType(str(l.InstanceType)), KeyName: filled(str(l.KeyName)),
		KernelId: filled(str(l.KernelId)), RamDiskId: filled(str(l.RamdiskId)), UserData: filled(str(l.UserData)), EbsOptimized: l.EbsOptimized,
	}
	if n.Image == "" {
		d.ImageId = filled(str(l.ImageId))
	}
	if profile := str(l.IamInstanceProfile); strings.HasPrefix(profile, "arn:") {
		d.IamInstanceProfile = &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Arn: &profile}
	} else if profile != "" {
		d.IamInstanceProfile = &types.LaunchTemplateIamInstanceProfileSpecificationRequest{Name: &profile}
	}
	if m := l.InstanceMonitoring; m != nil {
		d.Monitoring = &types.LaunchTemplatesMonitoringRequest{Enabled: m.Enabled}
	}
	if m := l.MetadataOptions; m != nil {
		d.MetadataOptions = &types.LaunchTemplateInstanceMetadataOptionsRequest{HttpEndpoint: types.LaunchTemplateInstanceMetadataEndpointState(m.HttpEndpoint),
			HttpPutResponseHopLimit: m.HttpPutResponseHopLimit, HttpTokens: types.LaunchTemplateHttpTokensState(m.HttpTokens)}
	}
	if tenancy := str(l.PlacementTenancy); tenancy != "" {
		d.Placement = &types.LaunchTemplatePlacementRequest{Tenancy: types.Tenancy(tenancy)}
	}
	if price := str(l.SpotPrice); price != "" {
		d.InstanceMarketOptions = &types.LaunchTemplateInstanceMarketOptionsRequest{MarketType: types.MarketTypeSpot,
			SpotOptions: &types.LaunchTemplateSpotMarketOptionsRequest{MaxPrice: &price}}
	}
	network(d, l)
	for _, b := range l.BlockDeviceMappings {
		d.BlockDeviceMappings = append(d.BlockDeviceMappings, mappingOf(b, n.Root))
	}
	return d, nil
}

// network: with a public address stated, security groups stand on the interface, as EC2
// takes them nowhere else then.
func network(d *types.RequestLaunchTemplateData, l astypes.LaunchConfiguration) {
	if l.AssociatePublicIpAddress != nil {
		d.NetworkInterfaces = []types.LaunchTemplateInstanceNetworkInterfaceSpecificationRequest{{DeviceIndex: new(int32(0)),
			AssociatePublicIpAddress: l.AssociatePublicIpAddress, Groups: l.SecurityGroups}}
		return
	}
	for _, g := range l.SecurityGroups {
		if strings.HasPrefix(g, "sg-") {
			d.SecurityGroupIds = append(d.SecurityGroupIds, g)
		} else {
			d.SecurityGroups = append(d.SecurityGroups, g)
		}
	}
}

func mappingOf(b astypes.BlockDeviceMapping, root string) types.LaunchTemplateBlockDeviceMappingRequest {
	m := types.LaunchTemplateBlockDeviceMappingRequest{DeviceName: b.DeviceName, VirtualName: filled(str(b.VirtualName))}
	if b.NoDevice != nil && *b.NoDevice {
		m.NoDevice = new("")
	}
	if e := b.Ebs; e != nil {
		m.Ebs = &types.LaunchTemplateEbsBlockDeviceRequest{DeleteOnTermination: e.DeleteOnTermination, Encrypted: e.Encrypted, Iops: e.Iops,
			SnapshotId: filled(str(e.SnapshotId)), Throughput: e.Throughput, VolumeSize: e.VolumeSize, VolumeType: types.VolumeType(str(e.VolumeType))}
		if root != "" && str(b.DeviceName) == root {
			m.Ebs.SnapshotId = nil
		}
	}
	return m
}

// DeleteLaunchTemplate deletes a template with its versions.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DeleteLaunchTemplate.html
func (c *Client) DeleteLaunchTemplate(ctx context.Context, id string) error {
	_, err := ask(ctx, c, deleteTemplate, c.ec2().DeleteLaunchTemplate, &ec2.DeleteLaunchTemplateInput{LaunchTemplateId: &id}, ec2Once)
	return err
}
