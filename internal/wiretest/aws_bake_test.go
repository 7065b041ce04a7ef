//go:build wire

package wiretest_test

import (
	"slices"
	"testing"

	"domctl.dev/internal/wiretest"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func TestRunInstancesToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	asked := ec2.RunInstancesInput{ImageId: c.image("base"), ClientToken: aws.String("apply-1-step-1")}
	first, err := c.run(asked)
	must(t, err)
	again, err := c.run(asked)
	must(t, err)
	equal(t, *again.Instances[0].InstanceId, *first.Instances[0].InstanceId)
	equal(t, c.instances(), 1)

	other := asked
	other.InstanceType = types.InstanceTypeG52xlarge
	_, err = c.run(other)
	refused(t, err, "IdempotentParameterMismatch")

	ids := []string{*first.Instances[0].InstanceId}
	_, err = c.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: ids})
	must(t, err)
	_, err = c.run(asked)
	refused(t, err, "IdempotentInstanceTerminated")
}

func TestRunInstancesWithoutToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	image := c.image("base")
	for range 2 {
		_, err := c.run(ec2.RunInstancesInput{ImageId: image})
		must(t, err)
	}
	equal(t, c.instances(), 2)
}

func TestRunInstancesFromAnImageThatIsNot(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	unknown := aws.String("ami-0123456789abcdef0")
	_, err := c.run(ec2.RunInstancesInput{ImageId: unknown})
	refused(t, err, "InvalidAMIID.NotFound")

	template := c.template("gpu", types.RequestLaunchTemplateData{ImageId: unknown})
	_, err = c.run(ec2.RunInstancesInput{LaunchTemplate: &types.LaunchTemplateSpecification{LaunchTemplateId: template}})
	refused(t, err, "InvalidAMIID.NotFound")

	gone := c.image("gone")
	_, err = c.ec2.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: gone})
	must(t, err)
	_, err = c.run(ec2.RunInstancesInput{ImageId: gone})
	refused(t, err, "InvalidAMIID.Unavailable")
	equal(t, c.instances(), 0)
}

func TestLaunchConfigurationNames(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	in := &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("gpu-1"), ImageId: aws.String("ami-0123456789abcdef0"), InstanceType: aws.String("g5.2xlarge"),
	}
	_, err := c.asg.CreateLaunchConfiguration(t.Context(), in)
	refused(t, err, "ValidationError")
	in.ImageId = c.image("base")
	_, err = c.asg.CreateLaunchConfiguration(t.Context(), in)
	must(t, err)
	_, err = c.asg.CreateLaunchConfiguration(t.Context(), in)
	refused(t, err, "AlreadyExists")
	gone := &autoscaling.DeleteLaunchConfigurationInput{LaunchConfigurationName: aws.String("gpu-0")}
	_, err = c.asg.DeleteLaunchConfiguration(t.Context(), gone)
	refused(t, err, "ValidationError")
}

func (c cloud) bake(name string, tags ...types.TagSpecification) (*string, error) {
	c.Helper()
	instance, err := c.run(ec2.RunInstancesInput{ImageId: c.image("base of " + name)})
	must(c.T, err)
	out, err := c.ec2.CreateImage(c.Context(), &ec2.CreateImageInput{
		InstanceId: instance.Instances[0].InstanceId, Name: &name, TagSpecifications: tags,
	})
	if err != nil {
		return nil, err
	}
	return out.ImageId, nil
}

func TestCreateImageNameIsTaken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	_, err := c.bake("domino-prod-executor-1")
	must(t, err)
	in := &ec2.RegisterImageInput{Name: aws.String("domino-prod-executor-1")}
	_, err = c.ec2.RegisterImage(t.Context(), in)
	refused(t, err, "InvalidAMIName.Duplicate")
}

func TestCreateImageTagsImageAndSnapshot(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	spec := func(kind types.ResourceType) types.TagSpecification {
		return types.TagSpecification{ResourceType: kind, Tags: []types.Tag{{Key: aws.String("of"), Value: aws.String(string(kind))}}}
	}
	id, err := c.bake("domino-prod-executor-2", spec(types.ResourceTypeImage), spec(types.ResourceTypeSnapshot))
	must(t, err)
	images, err := c.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*id}})
	must(t, err)
	image := images.Images[0]
	equal(t, *image.Tags[0].Value, "image")
	ids := []string{*image.BlockDeviceMappings[0].Ebs.SnapshotId}
	snapshots, err := c.ec2.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: ids})
	must(t, err)
	equal(t, *snapshots.Snapshots[0].Tags[0].Value, "snapshot")
}

func TestDryRun(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	ctx, yes := t.Context(), aws.Bool(true)
	image := c.image("base")
	for name, call := range map[string]func() error{
		"RunInstances": func() error {
			_, err := c.run(ec2.RunInstancesInput{ImageId: image, DryRun: yes, ClientToken: aws.String("once")})
			return err
		},
		"DeregisterImage": func() error {
			_, err := c.ec2.DeregisterImage(ctx, &ec2.DeregisterImageInput{ImageId: image, DryRun: yes})
			return err
		},
		"ModifyInstanceAttribute, which moto itself carries out": func() error {
			_, err := c.ec2.ModifyInstanceAttribute(ctx, &ec2.ModifyInstanceAttributeInput{InstanceId: aws.String("i-1"), DryRun: yes})
			return err
		},
		"DescribeInstanceStatus, which moto itself answers": func() error {
			_, err := c.ec2.DescribeInstanceStatus(ctx, &ec2.DescribeInstanceStatusInput{DryRun: yes})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) { refused(t, call(), "DryRunOperation") })
	}
	equal(t, c.instances(), 0)
	_, err := c.run(ec2.RunInstancesInput{ImageId: image, ClientToken: aws.String("once")})
	must(t, err)
}

func TestDescribeImagesInPages(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	var want []string
	for _, name := range []string{"one", "two", "three"} {
		want = append(want, *c.image(name))
	}
	in := &ec2.DescribeImagesInput{Owners: []string{"self"}, MaxResults: aws.Int32(2)}
	var got []string
	for range 2 {
		out, err := c.ec2.DescribeImages(t.Context(), in)
		must(t, err)
		for _, i := range out.Images {
			got = append(got, *i.ImageId)
		}
		in.NextToken = out.NextToken
	}
	slices.Sort(want)
	slices.Sort(got)
	equal(t, got, want)
	equal(t, in.NextToken, nil)
	_, err := c.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: want, MaxResults: aws.Int32(5)})
	refused(t, err, "InvalidParameterCombination")
}
