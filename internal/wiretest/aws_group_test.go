//go:build wire

package wiretest_test

import (
	"testing"

	"domctl.dev/internal/wiretest"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling"
	"github.com/aws/aws-sdk-go-v2/service/autoscaling/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
)

func spec(template *string, version string) *types.LaunchTemplateSpecification {
	return &types.LaunchTemplateSpecification{LaunchTemplateId: template, Version: &version}
}

// group makes a group of one instance on a new template with two versions,
// and gives the template.
func (c cloud) group(name, version string) *string {
	c.Helper()
	data := ec2types.RequestLaunchTemplateData{ImageId: c.image(name), InstanceType: ec2types.InstanceTypeG52xlarge, UserData: aws.String("IyE=")}
	template := c.template(name, data)
	c.version(ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: &data})
	_, err := c.asg.CreateAutoScalingGroup(c.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: &name, LaunchTemplate: spec(template, version), VPCZoneIdentifier: c.subnet(),
		MinSize: aws.Int32(0), MaxSize: aws.Int32(4), DesiredCapacity: aws.Int32(1),
	})
	must(c.T, err)
	return template
}

func (c cloud) described(name string) types.AutoScalingGroup {
	c.Helper()
	in := &autoscaling.DescribeAutoScalingGroupsInput{AutoScalingGroupNames: []string{name}}
	out, err := c.asg.DescribeAutoScalingGroups(c.Context(), in)
	must(c.T, err)
	return out.AutoScalingGroups[0]
}

func (c cloud) update(in autoscaling.UpdateAutoScalingGroupInput) error {
	_, err := c.asg.UpdateAutoScalingGroup(c.Context(), &in)
	return err
}

func TestGroupKeepsTheVersionAsGiven(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.group("gpu", "$Default")
	name := aws.String("gpu")
	for _, version := range []string{"$Default", "$Latest", "2"} {
		must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, LaunchTemplate: spec(template, version)}))
		equal(t, *c.described("gpu").LaunchTemplate.Version, version)
	}
	must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, MaxSize: aws.Int32(5)}))
	equal(t, *c.described("gpu").LaunchTemplate.Version, "2")
}

func TestGroupRefusesASourceThatIsNot(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.group("gpu", "1")
	unknown := ec2types.RequestLaunchTemplateData{ImageId: aws.String("ami-0123456789abcdef0")}
	c.version(ec2.CreateLaunchTemplateVersionInput{LaunchTemplateId: template, LaunchTemplateData: &unknown})
	for name, in := range map[string]autoscaling.UpdateAutoScalingGroupInput{
		"launch configuration": {LaunchConfigurationName: aws.String("gone")},
		"template":             {LaunchTemplate: spec(aws.String("lt-0123456789abcdef0"), "1")},
		"version":              {LaunchTemplate: spec(template, "9")},
		"image of the version": {LaunchTemplate: spec(template, "3")},
	} {
		t.Run(name, func(t *testing.T) {
			in.AutoScalingGroupName = aws.String("gpu")
			refused(t, c.update(in), "ValidationError")
		})
	}
	equal(t, *c.described("gpu").LaunchTemplate.Version, "1")
}

func TestGroupNameIsTaken(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.group("gpu", "1")
	_, err := c.asg.CreateAutoScalingGroup(t.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("gpu"), LaunchTemplate: spec(template, "1"), VPCZoneIdentifier: c.subnet(),
		MinSize: aws.Int32(0), MaxSize: aws.Int32(0),
	})
	refused(t, err, "AlreadyExists")
	equal(t, len(c.described("gpu").Instances), 1)
}

func TestInstanceKeepsTheVersionItCameFrom(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.group("gpu", "$Default")
	must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("gpu"), LaunchTemplate: spec(template, "$Latest"), DesiredCapacity: aws.Int32(2),
	}))
	versions := map[string]int{}
	for _, instance := range c.described("gpu").Instances {
		versions[*instance.LaunchTemplate.Version]++
	}
	equal(t, versions, map[string]int{"1": 1, "2": 1})
}

func TestGroupMovesBetweenConfigurationAndTemplate(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template, name := c.group("gpu", "1"), aws.String("gpu")
	_, err := c.asg.CreateLaunchConfiguration(t.Context(), &autoscaling.CreateLaunchConfigurationInput{
		LaunchConfigurationName: aws.String("gpu-1"), ImageId: c.image("classic"), InstanceType: aws.String("g5.2xlarge"),
	})
	must(t, err)
	must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, LaunchConfigurationName: aws.String("gpu-1")}))
	group := c.described("gpu")
	equal(t, *group.LaunchConfigurationName, "gpu-1")
	equal(t, group.LaunchTemplate, nil)
	must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: name, LaunchTemplate: spec(template, "2")}))
	group = c.described("gpu")
	equal(t, group.LaunchConfigurationName, nil)
	equal(t, *group.LaunchTemplate.Version, "2")
}

func TestMixedInstancesPolicyStays(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template := c.template("mixed", ec2types.RequestLaunchTemplateData{ImageId: c.image("mixed"), InstanceType: ec2types.InstanceTypeG52xlarge})
	_, err := c.asg.CreateAutoScalingGroup(t.Context(), &autoscaling.CreateAutoScalingGroupInput{
		AutoScalingGroupName: aws.String("mixed"), VPCZoneIdentifier: c.subnet(), MinSize: aws.Int32(0), MaxSize: aws.Int32(4),
		MixedInstancesPolicy: &types.MixedInstancesPolicy{LaunchTemplate: &types.LaunchTemplate{LaunchTemplateSpecification: spec(template, "$Latest")}},
	})
	must(t, err)
	must(t, c.update(autoscaling.UpdateAutoScalingGroupInput{AutoScalingGroupName: aws.String("mixed"), MaxSize: aws.Int32(5)}))
	group := c.described("mixed")
	equal(t, *group.MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification.Version, "$Latest")
	equal(t, group.LaunchTemplate, nil)
	equal(t, *group.MaxSize, 5)
}
