//go:build wire

package wiretest_test

import (
	"encoding/base64"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/ssm"

	"domctl.dev/internal/wiretest"
)

// started is a running instance.
func (c cloud) started(in ec2.RunInstancesInput) string {
	c.Helper()
	in.ImageId = c.image("base of an instance")
	out, err := c.run(in)
	must(c.T, err)
	return *out.Instances[0].InstanceId
}

func (c cloud) terminate(id string) {
	c.Helper()
	_, err := c.ec2.TerminateInstances(c.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}})
	must(c.T, err)
}

func TestInstancesByClientToken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	id := c.started(ec2.RunInstancesInput{ClientToken: aws.String("one")})
	for token, want := range map[string]int{"one": 1, "two": 0} {
		out, err := c.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{Filters: []types.Filter{{Name: aws.String("client-token"), Values: []string{token}}}})
		must(t, err)
		equal(t, len(out.Reservations), want)
		if want == 1 {
			equal(t, *out.Reservations[0].Instances[0].InstanceId, id)
		}
	}
}

func TestRunInstancesWithoutTheKey(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	_, err := c.run(ec2.RunInstancesInput{ImageId: c.image("base"), KeyName: aws.String("none")})
	refused(t, err, "InvalidKeyPair.NotFound")
}

func TestATerminatedInstanceIsNeitherStartedNorImaged(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	id := c.started(ec2.RunInstancesInput{})
	c.terminate(id)
	_, err := c.ec2.StartInstances(t.Context(), &ec2.StartInstancesInput{InstanceIds: []string{id}})
	refused(t, err, "IncorrectInstanceState")
	_, err = c.ec2.StopInstances(t.Context(), &ec2.StopInstancesInput{InstanceIds: []string{id}})
	refused(t, err, "IncorrectInstanceState")
	_, err = c.ec2.CreateImage(t.Context(), &ec2.CreateImageInput{InstanceId: &id, Name: aws.String("baked")})
	refused(t, err, "IncorrectInstanceState")
	_, err = c.ssm.SendCommand(t.Context(), &ssm.SendCommandInput{InstanceIds: []string{id}, DocumentName: aws.String("AWS-RunShellScript")})
	refused(t, err, "InvalidInstanceId")
}

func TestConsoleHasAHostKey(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	id := c.started(ec2.RunInstancesInput{})
	out, err := c.ec2.GetConsoleOutput(t.Context(), &ec2.GetConsoleOutputInput{InstanceId: &id})
	must(t, err)
	text, err := base64.StdEncoding.DecodeString(*out.Output)
	must(t, err)
	equal(t, strings.HasPrefix(string(text), "-----BEGIN SSH HOST KEY KEYS-----\r\nssh-ed25519 AAAA"), true)
}

func TestInstanceInformation(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	id := c.started(ec2.RunInstancesInput{})
	out, err := c.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{})
	must(t, err)
	equal(t, len(out.InstanceInformationList), 1)
	equal(t, string(out.InstanceInformationList[0].PingStatus), "Online")
	c.terminate(id)
	out, err = c.ssm.DescribeInstanceInformation(t.Context(), &ssm.DescribeInstanceInformationInput{})
	must(t, err)
	equal(t, len(out.InstanceInformationList), 0)
}

func TestVolumesOfAnImage(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	id := c.started(ec2.RunInstancesInput{})
	in := &ec2.CreateImageInput{InstanceId: &id, Name: aws.String("baked"), BlockDeviceMappings: []types.BlockDeviceMapping{
		{DeviceName: aws.String("/dev/sda1"), Ebs: &types.EbsBlockDevice{DeleteOnTermination: aws.Bool(true)}}}}
	made, err := c.ec2.CreateImage(t.Context(), in)
	must(t, err)
	found, err := c.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*made.ImageId}})
	must(t, err)
	ebs := found.Images[0].BlockDeviceMappings[0].Ebs
	equal(t, *ebs.DeleteOnTermination, true)
	_, err = c.ec2.DeleteSnapshot(t.Context(), &ec2.DeleteSnapshotInput{SnapshotId: ebs.SnapshotId})
	refused(t, err, "InvalidSnapshot.InUse")

	gone, err := c.ec2.DeregisterImage(t.Context(), &ec2.DeregisterImageInput{ImageId: made.ImageId, DeleteAssociatedSnapshots: aws.Bool(true)})
	must(t, err)
	equal(t, *gone.DeleteSnapshotResults[0].SnapshotId, *ebs.SnapshotId)
	_, err = c.ec2.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*ebs.SnapshotId}})
	refused(t, err, "InvalidSnapshot.NotFound")
	_, err = c.ec2.DescribeImageAttribute(t.Context(), &ec2.DescribeImageAttributeInput{ImageId: made.ImageId, Attribute: types.ImageAttributeNameLaunchPermission})
	refused(t, err, "InvalidAMIID.Unavailable")
}

func TestCopyImageTags(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	tags := []types.Tag{{Key: aws.String("a"), Value: aws.String("b")}}
	source := c.image("source")
	in := &ec2.CopyImageInput{SourceImageId: source, SourceRegion: &c.Region, Name: aws.String("copy"),
		TagSpecifications: []types.TagSpecification{{ResourceType: types.ResourceTypeImage, Tags: tags}, {ResourceType: types.ResourceTypeSnapshot, Tags: tags}}}
	made, err := c.ec2.CopyImage(t.Context(), in)
	must(t, err)
	found, err := c.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*made.ImageId}})
	must(t, err)
	equal(t, *found.Images[0].Tags[0].Value, "b")
	equal(t, *found.Images[0].SourceImageId, *source)
	snapshots, err := c.ec2.DescribeSnapshots(t.Context(), &ec2.DescribeSnapshotsInput{SnapshotIds: []string{*found.Images[0].BlockDeviceMappings[0].Ebs.SnapshotId}})
	must(t, err)
	equal(t, *snapshots.Snapshots[0].Tags[0].Value, "b")
}

func TestImageDeprecation(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	id := c.image("old")
	at := func(want string) {
		t.Helper()
		found, err := c.ec2.DescribeImages(t.Context(), &ec2.DescribeImagesInput{ImageIds: []string{*id}})
		must(t, err)
		equal(t, aws.ToString(found.Images[0].DeprecationTime), want)
	}
	when := time.Date(2036, 1, 2, 3, 4, 31, 0, time.UTC)
	_, err := c.ec2.EnableImageDeprecation(t.Context(), &ec2.EnableImageDeprecationInput{ImageId: id, DeprecateAt: &when})
	must(t, err)
	at("2036-01-02T03:05:00.000Z")
	_, err = c.ec2.DisableImageDeprecation(t.Context(), &ec2.DisableImageDeprecationInput{ImageId: id})
	must(t, err)
	at("")
	past := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	_, err = c.ec2.EnableImageDeprecation(t.Context(), &ec2.EnableImageDeprecationInput{ImageId: id, DeprecateAt: &past})
	refused(t, err, "InvalidParameterValue")
}

func TestDeletesOfWhatIsInUse(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	group, err := c.ec2.CreateSecurityGroup(t.Context(), &ec2.CreateSecurityGroupInput{GroupName: aws.String("bake"), Description: aws.String("bake")})
	must(t, err)
	id := c.started(ec2.RunInstancesInput{SecurityGroupIds: []string{*group.GroupId}})
	_, err = c.ec2.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: group.GroupId})
	refused(t, err, "DependencyViolation")
	c.terminate(id)
	_, err = c.ec2.DeleteSecurityGroup(t.Context(), &ec2.DeleteSecurityGroupInput{GroupId: group.GroupId})
	must(t, err)

	key, err := c.ec2.CreateKeyPair(t.Context(), &ec2.CreateKeyPairInput{KeyName: aws.String("bake")})
	must(t, err)
	_, err = c.ec2.DeleteKeyPair(t.Context(), &ec2.DeleteKeyPairInput{KeyPairId: key.KeyPairId})
	must(t, err)
	keys, err := c.ec2.DescribeKeyPairs(t.Context(), &ec2.DescribeKeyPairsInput{})
	must(t, err)
	equal(t, len(keys.KeyPairs), 0)
}
