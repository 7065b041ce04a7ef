//go:build wire

package wiretest_test

import (
	"testing"

	"domctl.dev/internal/wiretest"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	ec2types "github.com/aws/aws-sdk-go-v2/service/ec2/types"
	"github.com/aws/aws-sdk-go-v2/service/eks"
	"github.com/aws/aws-sdk-go-v2/service/eks/types"
)

const role = "arn:aws:iam::111122223333:role/nodes"

// nodegroup makes a cluster with the node group "gpu" of one node, on a new
// template with two versions; gives the template and the two images.
func (c cloud) nodegroup() (template *string, images [2]*string) {
	c.Helper()
	images = [2]*string{c.image("one"), c.image("two")}
	template = c.template("gpu", ec2types.RequestLaunchTemplateData{ImageId: images[0], InstanceType: ec2types.InstanceTypeG52xlarge})
	c.version(ec2.CreateLaunchTemplateVersionInput{
		LaunchTemplateId: template, SourceVersion: aws.String("1"), LaunchTemplateData: &ec2types.RequestLaunchTemplateData{ImageId: images[1]},
	})
	_, err := c.eks.CreateCluster(c.Context(), &eks.CreateClusterInput{
		Name: aws.String("acme"), RoleArn: aws.String(role), ResourcesVpcConfig: &types.VpcConfigRequest{SubnetIds: []string{*c.subnet()}},
	})
	must(c.T, err)
	_, err = c.eks.CreateNodegroup(c.Context(), &eks.CreateNodegroupInput{
		ClusterName: aws.String("acme"), NodegroupName: aws.String("gpu"), NodeRole: aws.String(role), Subnets: []string{*c.subnet()},
		LaunchTemplate: &types.LaunchTemplateSpecification{Id: template, Version: aws.String("1")},
		ScalingConfig:  &types.NodegroupScalingConfig{MinSize: aws.Int32(0), MaxSize: aws.Int32(2), DesiredSize: aws.Int32(1)},
	})
	must(c.T, err)
	return template, images
}

func (c cloud) describedNodes() *types.Nodegroup {
	c.Helper()
	in := &eks.DescribeNodegroupInput{ClusterName: aws.String("acme"), NodegroupName: aws.String("gpu")}
	out, err := c.eks.DescribeNodegroup(c.Context(), in)
	must(c.T, err)
	return out.Nodegroup
}

func (c cloud) updateNodes(in eks.UpdateNodegroupVersionInput) (*types.Update, error) {
	in.ClusterName, in.NodegroupName = aws.String("acme"), aws.String("gpu")
	out, err := c.eks.UpdateNodegroupVersion(c.Context(), &in)
	if err != nil {
		return nil, err
	}
	return out.Update, nil
}

func (c cloud) describedUpdate(id *string) *types.Update {
	c.Helper()
	in := &eks.DescribeUpdateInput{Name: aws.String("acme"), NodegroupName: aws.String("gpu"), UpdateId: id}
	out, err := c.eks.DescribeUpdate(c.Context(), in)
	must(c.T, err)
	return out.Update
}

func TestNodegroupOfATemplate(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template, images := c.nodegroup()
	nodes := c.describedNodes()
	equal(t, *nodes.LaunchTemplate.Id, *template)
	equal(t, *nodes.LaunchTemplate.Version, "1")
	equal(t, nodes.AmiType, types.AMITypesCustom)
	equal(t, *nodes.ReleaseVersion, *images[0])
	equal(t, nodes.DiskSize, nil)
	group := c.described(*nodes.Resources.AutoScalingGroups[0].Name)
	equal(t, len(group.Instances), 1)
}

func TestNodegroupVersionUpdate(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template, images := c.nodegroup()
	asked := eks.UpdateNodegroupVersionInput{
		LaunchTemplate: &types.LaunchTemplateSpecification{Id: template, Version: aws.String("2")}, ClientRequestToken: aws.String("apply-1-step-1"),
	}
	update, err := c.updateNodes(asked)
	must(t, err)
	equal(t, update.Status, types.UpdateStatusInProgress)
	again, err := c.updateNodes(asked)
	must(t, err)
	equal(t, *again.Id, *update.Id)
	_, err = c.updateNodes(eks.UpdateNodegroupVersionInput{LaunchTemplate: asked.LaunchTemplate})
	refused(t, err, "ResourceInUseException")

	equal(t, c.describedUpdate(update.Id).Status, types.UpdateStatusInProgress)
	equal(t, c.describedUpdate(update.Id).Status, types.UpdateStatusSuccessful)
	nodes := c.describedNodes()
	equal(t, nodes.Status, types.NodegroupStatusActive)
	equal(t, *nodes.LaunchTemplate.Version, "2")
	equal(t, *nodes.ReleaseVersion, *images[1])
	equal(t, c.imagesOf(*nodes.Resources.AutoScalingGroups[0].Name), []string{*images[1]})
}

// imagesOf gives the images that the instances of a group run.
func (c cloud) imagesOf(group string) []string {
	c.Helper()
	ids := []string{}
	for _, instance := range c.described(group).Instances {
		ids = append(ids, *instance.InstanceId)
	}
	out, err := c.ec2.DescribeInstances(c.Context(), &ec2.DescribeInstancesInput{InstanceIds: ids})
	must(c.T, err)
	images := []string{}
	for _, reservation := range out.Reservations {
		for _, instance := range reservation.Instances {
			images = append(images, *instance.ImageId)
		}
	}
	return images
}

func TestNodegroupUpdateEndsWhenOnlyTheGroupIsPolled(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template, _ := c.nodegroup()
	_, err := c.updateNodes(eks.UpdateNodegroupVersionInput{LaunchTemplate: &types.LaunchTemplateSpecification{Id: template, Version: aws.String("2")}})
	must(t, err)
	equal(t, c.describedNodes().Status, types.NodegroupStatusUpdating)
	equal(t, c.describedNodes().Status, types.NodegroupStatusActive)
}

func TestNodegroupVersionUpdateRefuses(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	template, images := c.nodegroup()
	other := c.template("other", ec2types.RequestLaunchTemplateData{ImageId: images[1]})
	at := func(id *string, version string) *types.LaunchTemplateSpecification {
		return &types.LaunchTemplateSpecification{Id: id, Version: &version}
	}
	for name, in := range map[string]eks.UpdateNodegroupVersionInput{
		"another template":              {LaunchTemplate: at(other, "1")},
		"no such version":               {LaunchTemplate: at(template, "9")},
		"a version beside a custom AMI": {LaunchTemplate: at(template, "2"), Version: aws.String("1.33")},
		"no template":                   {},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.updateNodes(in)
			refused(t, err, "InvalidParameterException")
		})
	}
	equal(t, c.describedNodes().Status, types.NodegroupStatusActive)
}

func TestNodegroupSizeReachesItsGroup(t *testing.T) {
	t.Parallel()
	c := newCloud(t, wiretest.AWS(t))
	c.nodegroup()
	out, err := c.eks.UpdateNodegroupConfig(t.Context(), &eks.UpdateNodegroupConfigInput{
		ClusterName: aws.String("acme"), NodegroupName: aws.String("gpu"),
		ScalingConfig: &types.NodegroupScalingConfig{MinSize: aws.Int32(1), MaxSize: aws.Int32(3), DesiredSize: aws.Int32(2)},
	})
	must(t, err)
	equal(t, c.describedUpdate(out.Update.Id).Status, types.UpdateStatusSuccessful)
	group := c.described(*c.describedNodes().Resources.AutoScalingGroups[0].Name)
	equal(t, *group.MaxSize, 3)
	equal(t, len(group.Instances), 2)
}
