//go:build wire

package aws

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cloudwatchtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	ekstypes "github.com/aws/aws-sdk-go-v2/service/eks/types"
	"github.com/aws/aws-sdk-go-v2/service/secretsmanager"
	"github.com/aws/aws-sdk-go-v2/service/ssm"
	ssmtypes "github.com/aws/aws-sdk-go-v2/service/ssm/types"

	"domctl.dev/internal/port"
	"domctl.dev/internal/wiretest"
)

// seed puts what the contract's cases start from, with the SDK alone.
type seed struct {
	c       *Client
	account *wiretest.Account
}

func done[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func (s seed) image(t *testing.T, i port.Image) string {
	t.Helper()
	in := &ec2.RegisterImageInput{Name: &i.Name, Architecture: ec2types.ArchitectureValues(i.Architecture), RootDeviceName: filled(i.RootDevice)}
	if i.RootGiB > 0 {
		in.BlockDeviceMappings = []ec2types.BlockDeviceMapping{{DeviceName: filled(i.RootDevice), Ebs: &ec2types.EbsBlockDevice{VolumeSize: new(int32(i.RootGiB))}}}
	}
	out := done[*ec2.RegisterImageOutput](t)(s.c.ec2().RegisterImage(t.Context(), in))
	var tags []ec2types.Tag
	for k, v := range i.Tags {
		tags = append(tags, ec2types.Tag{Key: &k, Value: &v})
	}
	if len(tags) > 0 {
		done[*ec2.CreateTagsOutput](t)(s.c.ec2().CreateTags(t.Context(), &ec2.CreateTagsInput{Resources: []string{*out.ImageId}, Tags: tags}))
	}
	return *out.ImageId
}

func (s seed) volume(t *testing.T, v port.Volume) string {
	t.Helper()
	in := &ec2.CreateVolumeInput{AvailabilityZone: new(s.account.Region + "a"), Size: new(int32(v.GiB)), TagSpecifications: specifications(v.Tags, ec2types.ResourceTypeVolume)}
	return *done[*ec2.CreateVolumeOutput](t)(s.c.ec2().CreateVolume(t.Context(), in)).VolumeId
}

func (s seed) snapshot(t *testing.T, v port.Snapshot) string {
	t.Helper()
	volume := s.volume(t, port.Volume{GiB: v.GiB})
	in := &ec2.CreateSnapshotInput{VolumeId: &volume, TagSpecifications: specifications(v.Tags, ec2types.ResourceTypeSnapshot)}
	return *done[*ec2.CreateSnapshotOutput](t)(s.c.ec2().CreateSnapshot(t.Context(), in)).SnapshotId
}

func (s seed) securityGroup(t *testing.T, g port.SecurityGroup) string {
	t.Helper()
	in := &ec2.CreateSecurityGroupInput{GroupName: &g.Name, Description: &g.Name, TagSpecifications: specifications(g.Tags, ec2types.ResourceTypeSecurityGroup)}
	return *done[*ec2.CreateSecurityGroupOutput](t)(s.c.ec2().CreateSecurityGroup(t.Context(), in)).GroupId
}

func (s seed) keyPair(t *testing.T, k port.KeyPair) string {
	t.Helper()
	in := &ec2.CreateKeyPairInput{KeyName: &k.Name, TagSpecifications: specifications(k.Tags, ec2types.ResourceTypeKeyPair)}
	return *done[*ec2.CreateKeyPairOutput](t)(s.c.ec2().CreateKeyPair(t.Context(), in)).KeyPairId
}

func (s seed) template(t *testing.T, name string, versions ...port.LaunchTemplateVersion) (id string) {
	t.Helper()
	for i, v := range versions {
		data := &ec2types.RequestLaunchTemplateData{ImageId: filled(v.Image), InstanceType: ec2types.InstanceType(v.InstanceType)}
		if v.Blocks != "" {
			if err := json.Unmarshal([]byte(v.Blocks), &data.BlockDeviceMappings); err != nil {
				t.Fatal(err)
			}
		}
		if i == 0 {
			in := &ec2.CreateLaunchTemplateInput{LaunchTemplateName: &name, LaunchTemplateData: data, VersionDescription: filled(v.Description)}
			id = *done[*ec2.CreateLaunchTemplateOutput](t)(s.c.ec2().CreateLaunchTemplate(t.Context(), in)).LaunchTemplate.LaunchTemplateId
			continue
		}
		in := &ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: &id, LaunchTemplateData: data, VersionDescription: filled(v.Description)}
		done[*ec2.CreateLaunchTemplateVersionOutput](t)(s.c.ec2().CreateLaunchTemplateVersion(t.Context(), in))
	}
	return id
}

func (s seed) configuration(t *testing.T, l port.LaunchConfiguration) {
	t.Helper()
	in := &autoscaling.CreateLaunchConfigurationInput{LaunchConfigurationName: &l.Name, ImageId: &l.Image, InstanceType: &l.InstanceType}
	if l.Blocks != "" {
		if err := json.Unmarshal([]byte(l.Blocks), &in.BlockDeviceMappings); err != nil {
			t.Fatal(err)
		}
	}
	done[*autoscaling.CreateLaunchConfigurationOutput](t)(s.c.autoscaling().CreateLaunchConfiguration(t.Context(), in))
}

func (s seed) blocked(t *testing.T, l port.LaunchConfiguration, snapshots map[string]string) {
	t.Helper()
	in := &autoscaling.CreateLaunchConfigurationInput{LaunchConfigurationName: &l.Name, ImageId: &l.Image, InstanceType: &l.InstanceType}
	for device, snapshot := range snapshots {
		in.BlockDeviceMappings = append(in.BlockDeviceMappings, types.BlockDeviceMapping{DeviceName: &device, Ebs: &types.Ebs{SnapshotId: &snapshot}})
	}
	done[*autoscaling.CreateLaunchConfigurationOutput](t)(s.c.autoscaling().CreateLaunchConfiguration(t.Context(), in))
}

func (s seed) group(t *testing.T, g port.AutoScalingGroup) {
	t.Helper()
	if len(g.Zones) == 0 {
		g.Zones = []string{s.account.Region + "a"}
	}
	in := &autoscaling.CreateAutoScalingGroupInput{AutoScalingGroupName: &g.Name, AvailabilityZones: g.Zones, LaunchConfigurationName: filled(g.LaunchConfiguration),
		MinSize: new(int32(g.Min)), MaxSize: new(int32(g.Max)), DesiredCapacity: new(int32(g.Desired))}
	for k, v := range g.Tags {
		in.Tags = append(in.Tags, types.Tag{Key: &k, Value: &v, ResourceId: &g.Name, ResourceType: new("auto-scaling-group"), PropagateAtLaunch: new(true)})
	}
	spec := &types.LaunchTemplateSpecification{LaunchTemplateId: filled(g.Template), Version: filled(g.Version)}
	switch {
	case g.Mixed:
		in.MixedInstancesPolicy = &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: spec}}
		for _, name := range g.InstanceTypes {
			in.MixedInstancesPolicy.LaunchTemplate.Overrides = append(in.MixedInstancesPolicy.LaunchTemplate.Overrides, types.LaunchTemplateOverrides{InstanceType: &name})
		}
		for i, o := range g.Overrides {
			at := &in.MixedInstancesPolicy.LaunchTemplate.Overrides[i]
			if at.ImageId = filled(o.Image); o.Template != "" {
				at.LaunchTemplateSpecification = &types.LaunchTemplateSpecification{LaunchTemplateId: &o.Template, Version: filled(o.Version)}
			}
		}
	case g.Template != "":
		in.LaunchTemplate = spec
	}
	done[*autoscaling.CreateAutoScalingGroupOutput](t)(s.c.autoscaling().CreateAutoScalingGroup(t.Context(), in))
}

func (s seed) nodeGroup(t *testing.T, g port.NodeGroup) {
	t.Helper()
	role := "arn:aws:iam::" + s.account.ID + ":role/acme"
	subnets := done[*ec2.DescribeSubnetsOutput](t)(s.c.ec2().DescribeSubnets(t.Context(), &ec2.DescribeSubnetsInput{}))
	subnet := *subnets.Subnets[0].SubnetId
	if _, err := s.c.eks().DescribeCluster(t.Context(), &eks.DescribeClusterInput{Name: &g.Cluster}); err != nil {
		in := &eks.CreateClusterInput{Name: &g.Cluster, RoleArn: &role, ResourcesVpcConfig: &ekstypes.VpcConfigRequest{SubnetIds: []string{subnet}}}
		done[*eks.CreateClusterOutput](t)(s.c.eks().CreateCluster(t.Context(), in))
	}
	in := &eks.CreateNodegroupInput{ClusterName: &g.Cluster, NodegroupName: &g.Name, NodeRole: &role, Subnets: []string{subnet}, Labels: g.Labels, Taints: eksTaints(g.Taints),
		AmiType: ekstypes.AMITypes(g.AMIType), InstanceTypes: g.InstanceTypes,
		LaunchTemplate: nodeTemplate(g), ScalingConfig: &ekstypes.NodegroupScalingConfig{MinSize: new(int32(g.Min)), MaxSize: new(int32(g.Max)), DesiredSize: new(int32(g.Desired))}}
	done[*eks.CreateNodegroupOutput](t)(s.c.eks().CreateNodegroup(t.Context(), in))
}

func nodeTemplate(g port.NodeGroup) *ekstypes.LaunchTemplateSpecification {
	if g.Template == "" {
		return nil
	}
	return &ekstypes.LaunchTemplateSpecification{Id: &g.Template, Version: new(fmt.Sprint(g.Version))}
}

func (s seed) protected(t *testing.T, group, instance string, on bool) {
	t.Helper()
	in := &autoscaling.SetInstanceProtectionInput{AutoScalingGroupName: &group, InstanceIds: []string{instance}, ProtectedFromScaleIn: &on}
	done[*autoscaling.SetInstanceProtectionOutput](t)(s.c.autoscaling().SetInstanceProtection(t.Context(), in))
}

func (s seed) suspended(t *testing.T, group, process string) {
	t.Helper()
	in := &autoscaling.SuspendProcessesInput{AutoScalingGroupName: &group, ScalingProcesses: []string{process}}
	done[*autoscaling.SuspendProcessesOutput](t)(s.c.autoscaling().SuspendProcesses(t.Context(), in))
}

func (s seed) warm(t *testing.T, group string) {
	t.Helper()
	in := &autoscaling.PutWarmPoolInput{AutoScalingGroupName: &group, MinSize: new(int32(1))}
	done[*autoscaling.PutWarmPoolOutput](t)(s.c.autoscaling().PutWarmPool(t.Context(), in))
}

func (s seed) alarm(t *testing.T, a port.Alarm) {
	t.Helper()
	in := &cloudwatch.PutMetricAlarmInput{AlarmName: &a.Name, MetricName: &a.Name, Namespace: &a.Name, ComparisonOperator: "GreaterThanThreshold",
		EvaluationPeriods: new(int32(1)), Period: new(int32(60)), Statistic: "Sum", Threshold: new(float64(1))}
	done[*cloudwatch.PutMetricAlarmOutput](t)(s.c.cloudwatch().PutMetricAlarm(t.Context(), in))
	state := &cloudwatch.SetAlarmStateInput{AlarmName: &a.Name, StateValue: cloudwatchtypes.StateValue(a.State), StateReason: &a.Reason}
	done[*cloudwatch.SetAlarmStateOutput](t)(s.c.cloudwatch().SetAlarmState(t.Context(), state))
}

// lacking states what hack/wire/moto/activities.py goes by.
func (s seed) lacking(t *testing.T, group string, room int64, code string) {
	t.Helper()
	in := &autoscaling.CreateOrUpdateTagsInput{}
	for k, v := range map[string]string{"domctl-wire:room": fmt.Sprint(room), "domctl-wire:lacks": code} {
		in.Tags = append(in.Tags, types.Tag{Key: &k, Value: &v, ResourceId: &group, ResourceType: new("auto-scaling-group"), PropagateAtLaunch: new(false)})
	}
	done[*autoscaling.CreateOrUpdateTagsOutput](t)(s.c.autoscaling().CreateOrUpdateTags(t.Context(), in))
}

func (s seed) secret(t *testing.T, name, value string) string {
	t.Helper()
	in := &secretsmanager.CreateSecretInput{Name: &name, SecretString: &value}
	return *done[*secretsmanager.CreateSecretOutput](t)(s.c.secrets().CreateSecret(t.Context(), in)).ARN
}

func (s seed) parameter(t *testing.T, name, value string) {
	t.Helper()
	in := &ssm.PutParameterInput{Name: &name, Value: &value, Type: ssmtypes.ParameterTypeString}
	done[*ssm.PutParameterOutput](t)(s.c.ssm().PutParameter(t.Context(), in))
}
