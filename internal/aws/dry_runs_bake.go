package aws

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"domctl.dev/internal/port"
)

const noInstance = "i-00000000000000000"

// bakeReads are the reads that baking makes beside a plan's.
func (c *Client) bakeReads(ctx context.Context, probes map[string]func() error) {
	none := port.Select{IDs: []string{"none"}}
	probes[describeVolumes] = func() error { _, err := c.DescribeVolumes(ctx, none); return err }
	probes[describeSnapshots] = func() error { _, err := c.DescribeSnapshots(ctx, none); return err }
	probes[describePermission] = func() error {
		if _, err := c.DescribeLaunchPermission(ctx, noImage); !errors.Is(err, port.ErrNotFound) {
			return err
		}
		return nil
	}
	probes[describeSecured] = func() error { _, err := c.DescribeSecurityGroups(ctx, none); return err }
	probes[describeKeys] = func() error { _, err := c.DescribeKeyPairs(ctx, none); return err }
	probes[instanceInfo] = func() error { _, err := c.Reachable(ctx, port.Machine{ID: noInstance}); return err }
	probes[commandInvocation] = func() error {
		_, err := ask(ctx, c, commandInvocation, c.ssm().GetCommandInvocation, &ssm.GetCommandInvocationInput{CommandId: new(noCommandID), InstanceId: new(noInstance)})
		return allowed(err)
	}
	probes[consoleOutput] = func() error {
		if _, err := c.GetConsoleOutput(ctx, noInstance); !errors.Is(err, port.ErrNotFound) {
			return err
		}
		return nil
	}
}

// dry makes a dry run of a write.
func dry[In, Out any](ctx context.Context, c *Client, name string, op func(context.Context, *In, ...func(*ec2.Options)) (*Out, error), in *In) func() error {
	return func() error {
		_, err := ask(ctx, c, name, op, in, ec2Once)
		return allowed(err)
	}
}

func (c *Client) bakeDryRuns(ctx context.Context, probes map[string]func() error) {
	yes, one := true, int32(1)
	image, instance := noImage, noInstance
	instances := []string{instance}
	probes[runInstances] = dry(ctx, c, runInstances, c.ec2().RunInstances, &ec2.RunInstancesInput{DryRun: &yes, ImageId: &image, MinCount: &one, MaxCount: &one})
	probes[startInstances] = dry(ctx, c, startInstances, c.ec2().StartInstances, &ec2.StartInstancesInput{DryRun: &yes, InstanceIds: instances})
	probes[stopInstances] = dry(ctx, c, stopInstances, c.ec2().StopInstances, &ec2.StopInstancesInput{DryRun: &yes, InstanceIds: instances})
	probes[terminate] = c.dryTerminate(ctx)
	c.imageDryRuns(ctx, probes)
	probes[deleteVolume] = dry(ctx, c, deleteVolume, c.ec2().DeleteVolume, &ec2.DeleteVolumeInput{DryRun: &yes, VolumeId: new("vol-00000000000000000")})
}

func (c *Client) dryTerminate(ctx context.Context) func() error {
	yes := true
	return dry(ctx, c, terminate, c.ec2().TerminateInstances, &ec2.TerminateInstancesInput{DryRun: &yes, InstanceIds: []string{noInstance}})
}

func (c *Client) imageDryRuns(ctx context.Context, probes map[string]func() error) {
	yes, image, name, far := true, noImage, "domctl-dry-run", time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)
	tags, ids := []types.Tag{{Key: &name}}, []string{image}
	probes[createImage] = dry(ctx, c, createImage, c.ec2().CreateImage, &ec2.CreateImageInput{DryRun: &yes, InstanceId: new(noInstance), Name: &name})
	probes[copyImage] = dry(ctx, c, copyImage, c.ec2().CopyImage, &ec2.CopyImageInput{DryRun: &yes, SourceImageId: &image, SourceRegion: &c.sdk.Region, Name: &name})
	probes[modifyPermission] = dry(ctx, c, modifyPermission, c.ec2().ModifyImageAttribute, &ec2.ModifyImageAttributeInput{DryRun: &yes, ImageId: &image,
		LaunchPermission: &types.LaunchPermissionModifications{Add: permissions([]string{"000000000000"})}})
	probes[createTags] = dry(ctx, c, createTags, c.ec2().CreateTags, &ec2.CreateTagsInput{DryRun: &yes, Resources: ids, Tags: tags})
	probes[deleteTags] = dry(ctx, c, deleteTags, c.ec2().DeleteTags, &ec2.DeleteTagsInput{DryRun: &yes, Resources: ids, Tags: tags})
	probes[enableDeprecation] = dry(ctx, c, enableDeprecation, c.ec2().EnableImageDeprecation, &ec2.EnableImageDeprecationInput{DryRun: &yes, ImageId: &image, DeprecateAt: &far})
	probes[disableDeprecation] = dry(ctx, c, disableDeprecation, c.ec2().DisableImageDeprecation, &ec2.DisableImageDeprecationInput{DryRun: &yes, ImageId: &image})
	probes[deregisterImage] = dry(ctx, c, deregisterImage, c.ec2().DeregisterImage, &ec2.DeregisterImageInput{DryRun: &yes, ImageId: &image})
	probes[deleteSnapshot] = dry(ctx, c, deleteSnapshot, c.ec2().DeleteSnapshot, &ec2.DeleteSnapshotInput{DryRun: &yes, SnapshotId: new("snap-00000000000000000")})
}
