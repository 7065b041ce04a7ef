//go:build wire

package wiretest_test

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/wiretest"
)

func (c cloud) refresh(in autoscaling.StartInstanceRefreshInput) (*string, error) {
	in.AutoScalingGroupName = aws.String("gpu")
	out, err := c.asg.StartInstanceRefresh(c.Context(), &in)
	if err != nil {
		return nil, err
	}
	return out.InstanceRefreshId, nil
}

func (c cloud) refreshed() types.InstanceRefresh {
	c.Helper()
	out, err := c.asg.DescribeInstanceRefreshes(c.Context(), &autoscaling.DescribeInstanceRefreshesInput{AutoScalingGroupName: aws.String("gpu")})
	must(c.T, err)
	return out.InstanceRefreshes[0]
}

// sized is the group of an instance on version 1, grown to n.
func (c cloud) sized(n int32) *string {
	c.Helper()
	template := c.group("gpu", "1")
	must(c.T, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("gpu"), DesiredCapacity: &n}))
	return template
}

func TestRefreshReplacesInBatches(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.sized(4)
	_, err := c.refresh(autoscaling.StartInstanceRefreshInput{DesiredConfiguration: &types.DesiredConfiguration{LaunchTemplate: spec(template, "2")},
		Preferences: &types.RefreshPreferences{MinHealthyPercentage: aws.Int32(50), MaxHealthyPercentage: aws.Int32(100)}})
	must(t, err)
	for _, percent := range []int32{0, 50, 100} {
		equal(t, *c.described("gpu").LaunchTemplate.Version, "1")
		equal(t, *c.refreshed().PercentageComplete, percent)
	}
	equal(t, c.refreshed().Status, types.InstanceRefreshStatusSuccessful)
	group := c.described("gpu")
	equal(t, *group.LaunchTemplate.Version, "2")
	equal(t, len(group.Instances), 4)
	for _, i := range group.Instances {
		equal(t, *i.LaunchTemplate.Version, "2")
	}
}

func TestRefreshWaitsAtACheckpoint(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.sized(2)
	_, err := c.refresh(autoscaling.StartInstanceRefreshInput{Preferences: &types.RefreshPreferences{MinHealthyPercentage: aws.Int32(0),
		CheckpointPercentages: []int32{50, 100}, CheckpointDelay: aws.Int32(1)}})
	must(t, err)
	for _, percent := range []int32{0, 50, 50} {
		equal(t, *c.refreshed().PercentageComplete, percent)
	}
	for end := time.Now().Add(10 * time.Second); c.refreshed().Status != types.InstanceRefreshStatusSuccessful; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the refresh does not go on")
		}
	}
}

func TestRefreshWaitsForWhatIsProtected(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.sized(1)
	id := c.described("gpu").Instances[0].InstanceId
	protect := func(on bool) {
		in := &autoscaling.SetInstanceProtectionInput{AutoScalingGroupName: aws.String("gpu"), InstanceIds: []string{*id}, ProtectedFromScaleIn: &on}
		_, err := c.asg.SetInstanceProtection(t.Context(), in)
		must(t, err)
	}
	protect(true)
	_, err := c.refresh(autoscaling.StartInstanceRefreshInput{})
	must(t, err)
	for range 3 {
		equal(t, c.refreshed().Status, types.InstanceRefreshStatusInProgress)
	}
	protect(false)
	equal(t, c.refreshed().Status, types.InstanceRefreshStatusSuccessful)
	equal(t, *c.described("gpu").Instances[0].InstanceId != *id, true)
}

// TestAnInstanceIsReplacedFromTheVersionThatStands: also its image, which moto itself takes
// of the default version.
func TestAnInstanceIsReplacedFromTheVersionThatStands(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template, image := c.sized(1), c.image("next")
	c.version(ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, SourceVersion: aws.String("1"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: image}})
	must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("gpu"), LaunchTemplate: spec(template, "3")}))
	end := &autoscaling.TerminateInstanceInAutoScalingGroupInput{InstanceId: c.described("gpu").Instances[0].InstanceId, ShouldDecrementDesiredCapacity: aws.Bool(false)}
	_, err := c.asg.TerminateInstanceInAutoScalingGroup(t.Context(), end)
	must(t, err)
	i := c.described("gpu").Instances[0]
	equal(t, *i.LaunchTemplate.Version, "3")
	out, err := c.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{*i.InstanceId}})
	must(t, err)
	equal(t, *out.Reservations[0].Instances[0].ImageId, *image)
	_, err = c.asg.TerminateInstanceInAutoScalingGroup(t.Context(), end)
	refused(t, err, "ValidationError")
}
