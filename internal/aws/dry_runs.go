package aws

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

// ErrUnprobed says that a call's permission cannot be asked for without making
// the call: Auto Scaling and EKS have no dry run.
var ErrUnprobed = errors.New("cannot be tried without effect")

// Probe tries the calls of EC2, Auto Scaling and EKS that a mode makes in a
// scope, and changes nothing: reads are made, EC2's writes are dry runs. It
// answers by call nil, an error that wraps port.ErrDenied or ErrUnprobed, or what
// else stood in the way.
// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/CommonParameters.html (DryRun)
func (c *Client) Probe(ctx context.Context, mode Mode, s Scope) map[string]error {
	probes := map[string]func() error{
		"ec2:DescribeImages": func() error {
			_, err := c.DescribeImages(ctx, port.ImageQuery{IDs: []string{noImage}})
			return err
		},
		describeTemplates:           func() error { _, err := c.DescribeLaunchTemplates(ctx, nil); return err },
		describeVersions:            func() error { _, err := c.DescribeDefaultVersions(ctx); return err },
		"ec2:DescribeInstanceTypes": func() error { _, err := c.DescribeInstanceTypes(ctx, []string{"m5.large"}); return err },
		describeInstances:           func() error { _, err := c.DescribeInstances(ctx, port.Select{IDs: []string{"none"}}); return err },
		describeOfferings: func() error {
			_, err := c.DescribeInstanceTypeOfferings(ctx, []string{"m5.large"})
			return err
		},
		describeGroups:         func() error { _, err := c.DescribeAutoScalingGroups(ctx, nil); return err },
		describeConfigurations: func() error { _, err := c.DescribeLaunchConfigurations(ctx, nil); return err },
		describeActivities: func() error {
			_, err := c.FailedActivities(ctx, "domctl-dry-run", time.Time{})
			return allowed(err)
		},
	}
	if s.Cluster != "" {
		probes[describeCluster] = func() error { _, err := c.DescribeCluster(ctx, s.Cluster); return err }
		probes["eks:ListNodegroups"] = func() error { _, err := c.ListNodegroups(ctx, s.Cluster); return err }
	}
	if s.ECR {
		probes[authorizationToken] = func() error {
			_, _, _, err := c.ECRLogin(ctx, "000000000000.dkr.ecr."+c.sdk.Region+".amazonaws.com", true)
			return err
		}
	}
	if s.Bakes {
		c.bakeReads(ctx, probes)
	}
	if s.Rolls {
		c.rollReads(ctx, probes, s.Cluster)
	}
	if s.Alarms {
		probes[describeAlarms] = func() error { _, err := c.DescribeAlarms(ctx, []string{"domctl-dry-run"}); return err }
	}
	if mode == Apply {
		c.dryRuns(ctx, probes)
		if s.Moves {
			c.moveDryRuns(ctx, probes)
		}
		if s.Ends {
			probes[terminate] = c.dryTerminate(ctx)
		}
		if s.Bakes {
			c.bakeDryRuns(ctx, probes)
		}
		for call, tried := range Tried(s) {
			if !tried {
				probes[call] = func() error { return ErrUnprobed }
			}
		}
	}
	return verdicts(probes)
}

// Tried are the calls of EC2, Auto Scaling, EKS and SSM that only an apply makes in
// a scope; true for those that have a dry run.
func Tried(s Scope) map[string]bool {
	calls := map[string]bool{createVersion: true, modifyTemplate: true, deleteVersions: true,
		createConfiguration: false, "autoscaling:DeleteLaunchConfiguration": false, "autoscaling:UpdateAutoScalingGroup": false, tagGroup: false, untagGroup: false, updateConfig: false}
	for _, p := range writes() {
		if p.When == bakes && s.Bakes {
			calls[p.Call] = strings.HasPrefix(p.Call, "ec2:")
		}
		if p.When == moves && s.Moves || p.When == ends && s.Ends {
			calls[p.Call] = true
		}
		if strings.HasSuffix(p.When, rolls) && s.makes(p) {
			calls[p.Call] = false
		}
	}
	return calls
}

// rollReads are the reads that replacing nodes makes beside a plan's.
func (c *Client) rollReads(ctx context.Context, probes map[string]func() error, cluster string) {
	probes[describeRefreshes] = func() error {
		_, err := c.DescribeInstanceRefreshes(ctx, "domctl-dry-run")
		return allowed(err)
	}
	if cluster != "" {
		probes[describeUpdate] = func() error {
			_, err := c.DescribeUpdate(ctx, cluster, "domctl-dry-run", "00000000-0000-0000-0000-000000000000")
			return allowed(err)
		}
	}
}

// verdicts asks side by side: where nobody answers, each takes its whole deadline.
func verdicts(probes map[string]func() error) map[string]error {
	out := make(map[string]error, len(probes))
	var mu sync.Mutex
	var wait sync.WaitGroup
	for call, probe := range probes {
		wait.Go(func() {
			err := probe()
			mu.Lock()
			defer mu.Unlock()
			out[call] = err
		})
	}
	wait.Wait()
	return out
}

// Ids that nothing has: a dry run is checked for permission first.
const (
	noImage    = "ami-00000000000000000"
	noTemplate = "lt-00000000000000000"
)

func (c *Client) dryRuns(ctx context.Context, probes map[string]func() error) {
	yes, id := true, noTemplate
	probes[createVersion] = func() error {
		_, err := ask(ctx, c, createVersion, c.ec2().CreateLaunchTemplateVersion, &ec2.CreateLaunchTemplateVersionInput{DryRun: &yes,
			LaunchTemplateId: &id, LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: new(noImage)}}, ec2Once)
		return allowed(err)
	}
	probes[modifyTemplate] = func() error {
		_, err := ask(ctx, c, modifyTemplate, c.ec2().ModifyLaunchTemplate, &ec2.ModifyLaunchTemplateInput{DryRun: &yes, LaunchTemplateId: &id, DefaultVersion: number(1)}, ec2Once)
		return allowed(err)
	}
	probes[deleteVersions] = func() error {
		_, err := ask(ctx, c, deleteVersions, c.ec2().DeleteLaunchTemplateVersions, &ec2.DeleteLaunchTemplateVersionsInput{DryRun: &yes, LaunchTemplateId: &id, Versions: []string{"1"}}, ec2Once)
		return allowed(err)
	}
}

// moveDryRuns are of what makes a launch template of a launch configuration.
func (c *Client) moveDryRuns(ctx context.Context, probes map[string]func() error) {
	yes, id := true, noTemplate
	probes[createTemplate] = dry(ctx, c, createTemplate, c.ec2().CreateLaunchTemplate, &ec2.CreateLaunchTemplateInput{DryRun: &yes,
		LaunchTemplateName: new("domctl-dry-run"), LaunchTemplateData: &types.RequestLaunchTemplateData{ImageId: new(noImage)}})
	probes[deleteTemplate] = dry(ctx, c, deleteTemplate, c.ec2().DeleteLaunchTemplate, &ec2.DeleteLaunchTemplateInput{DryRun: &yes, LaunchTemplateId: &id})
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
