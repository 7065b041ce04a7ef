package aws

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"domctl.dev/internal/port"
)

const noInstance = "i-00000000000000000"

// bakeReads are the reads that baking makes beside a plan's.
func (c *Client) bakeReads(ctx context.Context, probes map[string]func() error) {
	none := port.Select{IDs: []string{"none"}}
	probes[describeInstances] = func() error { _, err := c.DescribeInstances(ctx, none); return err }
	probes[describeVolumes] = func() error { _, err := c.DescribeVolumes(ctx, none); return err }
	probes[describeSecured] = func() error { _, err := c.DescribeSecurityGroups(ctx, none); return err }
	probes[describeKeys] = func() error { _, err := c.DescribeKeyPairs(ctx, none); return err }
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
	probes[terminate] = dry(ctx, c, terminate, c.ec2().TerminateInstances, &ec2.TerminateInstancesInput{DryRun: &yes, InstanceIds: instances})
	probes[deleteVolume] = dry(ctx, c, deleteVolume, c.ec2().DeleteVolume, &ec2.DeleteVolumeInput{DryRun: &yes, VolumeId: new("vol-00000000000000000")})
	probes[deleteSecured] = dry(ctx, c, deleteSecured, c.ec2().DeleteSecurityGroup, &ec2.DeleteSecurityGroupInput{DryRun: &yes, GroupId: new("sg-00000000000000000")})
	probes[deleteKey] = dry(ctx, c, deleteKey, c.ec2().DeleteKeyPair, &ec2.DeleteKeyPairInput{DryRun: &yes, KeyPairId: new("key-00000000000000000")})
}
