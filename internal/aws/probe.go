package aws

import (
	"context"
	"errors"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

// ErrUnprobed says that a call's permission cannot be asked for without making
// the call: Auto Scaling and EKS have no dry run.
var ErrUnprobed = errors.New("cannot be tried without effect")

// Probe tries the calls of EC2, Auto Scaling and EKS that a mode makes, and
// changes nothing: reads are made, EC2's writes are dry runs. It answers by call
// nil, an error that wraps port.ErrDenied or ErrUnprobed, or what else stood in
// the way. An empty cluster leaves out EKS.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html (DryRun)
func (c *Client) Probe(ctx context.Context, mode Mode, cluster string) map[string]error {
	verdict := map[string]error{}
	_, verdict["ec2:DescribeImages"] = c.DescribeImages(ctx, port.ImageQuery{IDs: []string{noImage}})
	_, verdict[describeTemplates] = c.DescribeLaunchTemplates(ctx, nil)
	_, verdict[describeVersions] = c.DescribeDefaultVersions(ctx)
	_, verdict["ec2:DescribeInstanceTypes"] = c.DescribeInstanceTypes(ctx, []string{"m5.large"})
	_, verdict[describeGroups] = c.DescribeAutoScalingGroups(ctx, nil)
	_, verdict[describeConfigurations] = c.DescribeLaunchConfigurations(ctx, nil)
	if cluster != "" {
		_, verdict["eks:ListNodegroups"] = c.ListNodegroups(ctx, cluster)
	}
	if mode == Apply {
		c.dryRuns(ctx, verdict)
		for _, call := range []string{createConfiguration, "autoscaling:DeleteLaunchConfiguration", "autoscaling:UpdateAutoScalingGroup", "eks:UpdateNodegroupConfig"} {
			verdict[call] = ErrUnprobed
		}
	}
	return verdict
}

// Ids that nothing has: a dry run is checked for permission first.
const (
	noImage    = "ami-00000000000000000"
	noTemplate = "lt-00000000000000000"
)

func (c *Client) dryRuns(ctx context.Context, verdict map[string]error) {
	yes, id := true, noTemplate
	_, err := ask(ctx, c, createVersion, c.ec2().CreateLaunchTemplateVersion, &ec2.CreateLaunchTemplateVersionInput{DryRun: &yes,
		LaunchTemplateId: &id, LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: new(noImage)}}, ec2Once)
	verdict[createVersion] = allowed(err)
	_, err = ask(ctx, c, modifyTemplate, c.ec2().ModifyLaunchTemplate, &ec2.ModifyLaunchTemplateInput{DryRun: &yes, LaunchTemplateId: &id, DefaultVersion: number(1)}, ec2Once)
	verdict[modifyTemplate] = allowed(err)
	_, err = ask(ctx, c, deleteVersions, c.ec2().DeleteLaunchTemplateVersions, &ec2.DeleteLaunchTemplateVersionsInput{DryRun: &yes, LaunchTemplateId: &id, Versions: []string{"1"}}, ec2Once)
	verdict[deleteVersions] = allowed(err)
}

// errDryRun is EC2's answer to a dry run that would have been done.
var errDryRun = errors.New("dry run")

// allowed: EC2 answers DryRunOperation, or misses the template it was given,
// only to those who may make the call.
func allowed(err error) error {
	if errors.Is(err, errDryRun) || errors.Is(err, port.ErrNotFound) {
		return nil
	}
	return err
}
