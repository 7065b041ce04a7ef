package aws

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"domctl.dev/internal/port"
)

// everything calls every method that asks AWS.
func everything(ctx context.Context, c *Client) map[string]error {
	n := int64(1)
	errs := map[string]error{}
	_, errs["DescribeImages"] = c.DescribeImages(ctx, port.ImageQuery{IDs: []string{"ami-1"}})
	_, errs["DescribeLaunchTemplates"] = c.DescribeLaunchTemplates(ctx, nil)
	_, errs["DescribeLaunchTemplateVersions"] = c.DescribeLaunchTemplateVersions(ctx, "lt-1", nil)
	_, errs["DescribeDefaultVersions"] = c.DescribeDefaultVersions(ctx)
	_, errs["DescribeInstanceTypeOfferings"] = c.DescribeInstanceTypeOfferings(ctx, []string{"g5.2xlarge"})
	_, errs["DescribeInstanceTypes"] = c.DescribeInstanceTypes(ctx, []string{"g5.2xlarge"})
	_, errs["DescribeInstances"] = c.DescribeInstances(ctx, port.Select{IDs: []string{"i-1"}})
	_, errs["DescribeVolumes"] = c.DescribeVolumes(ctx, port.Select{})
	_, errs["DescribeSecurityGroups"] = c.DescribeSecurityGroups(ctx, port.Select{})
	_, errs["DescribeKeyPairs"] = c.DescribeKeyPairs(ctx, port.Select{})
	_, errs["DescribeSnapshots"] = c.DescribeSnapshots(ctx, port.Select{})
	_, errs["DescribeLaunchPermission"] = c.DescribeLaunchPermission(ctx, "ami-1")
	_, errs["GetCommandInvocation"] = c.invocation(ctx, "i-1", "c-1", time.Second)
	_, errs["Reachable"] = c.Reachable(ctx, port.Machine{ID: "i-1"})
	_, errs["GetConsoleOutput"] = c.GetConsoleOutput(ctx, "i-1")
	_, errs["DescribeAutoScalingGroups"] = c.DescribeAutoScalingGroups(ctx, nil)
	_, errs["DescribeLaunchConfigurations"] = c.DescribeLaunchConfigurations(ctx, nil)
	_, errs["DescribeAutoScalingInstances"] = c.DescribeAutoScalingInstances(ctx, nil)
	_, errs["DescribeInstanceRefreshes"] = c.DescribeInstanceRefreshes(ctx, "a")
	_, errs["FailedActivities"] = c.FailedActivities(ctx, "a", time.Time{})
	_, errs["DescribeUpdate"] = c.DescribeUpdate(ctx, "acme", "a", "u")
	_, errs["DescribeCluster"] = c.DescribeCluster(ctx, "acme")
	_, errs["ListNodegroups"] = c.ListNodegroups(ctx, "acme")
	_, errs["DescribeNodegroup"] = c.DescribeNodegroup(ctx, "acme", "a")
	_, errs["GetParameters"] = c.GetParameters(ctx, []string{"/a"})
	_, errs["Secret"] = c.Secret(ctx, "/a")
	_, errs["GetSecretValue"] = c.GetSecretValue(ctx, "a")
	_, _, _, errs["ECRLogin"] = c.ECRLogin(ctx, "111122223333.dkr.ecr.us-west-2.amazonaws.com", true)
	_, errs["GetCallerIdentity"] = c.GetCallerIdentity(ctx)
	b := c.Bucket(BucketConfig{Bucket: "b"})
	_, _, errs["GetObject"] = b.GetObject(ctx, "k")
	_, errs["ListObjects"] = b.ListObjects(ctx, "")
	k := c.Keeper("alias/domctl", "d")
	_, _, errs["NewKey"] = k.NewKey(ctx)
	_, errs["OpenKey"] = k.OpenKey(ctx, []byte("x"))

	_, errs["write CreateLaunchTemplateVersion"] = c.CreateLaunchTemplateVersion(ctx, port.NewLaunchTemplateVersion{Template: "lt-1", Source: 1, Token: "t"})
	_, errs["DescribeTemplatesNamed"] = c.DescribeTemplatesNamed(ctx, []string{"a"})
	_, errs["write CreateLaunchTemplate"] = c.createTemplate(ctx, port.NewLaunchTemplate{Name: "a-b", Token: "t"}, &types.RequestLaunchTemplateData{})
	errs["write DeleteLaunchTemplate"] = c.DeleteLaunchTemplate(ctx, "lt-1")
	errs["write ModifyLaunchTemplate"] = c.ModifyLaunchTemplate(ctx, "lt-1", 2)
	errs["write DeleteLaunchTemplateVersion"] = c.DeleteLaunchTemplateVersion(ctx, "lt-1", 2)
	_, errs["write RunInstance"] = c.RunInstance(ctx, port.NewInstance{Token: "t", Image: "ami-1", Type: "m5.large"})
	errs["write StartInstance"] = c.StartInstance(ctx, "i-1")
	errs["write StopInstance"] = c.StopInstance(ctx, "i-1")
	errs["write TerminateInstance"] = c.TerminateInstance(ctx, "i-1")
	_, errs["write CopyImage"] = c.In("eu-west-1").CopyImage(ctx, port.ImageCopy{Token: "t", Source: "ami-1", SourceRegion: "us-west-2", Name: "copy"})
	errs["write ModifyLaunchPermission"] = c.ModifyLaunchPermission(ctx, "ami-1", []string{"111122223333"}, nil)
	errs["write CreateTags"] = c.CreateTags(ctx, []string{"ami-1"}, map[string]string{"a": "b"})
	errs["write DeleteTags"] = c.DeleteTags(ctx, []string{"ami-1"}, []string{"a"})
	errs["write EnableImageDeprecation"] = c.EnableImageDeprecation(ctx, "ami-1", time.Date(2027, 1, 1, 0, 0, 0, 0, time.UTC))
	errs["write DisableImageDeprecation"] = c.DisableImageDeprecation(ctx, "ami-1")
	_, errs["write DeregisterImage"] = c.DeregisterImage(ctx, "ami-1")
	errs["write DeleteSnapshot"] = c.DeleteSnapshot(ctx, "snap-1")
	_, errs["write RunScript"] = c.RunScript(ctx, port.Machine{ID: "i-1"}, port.Script{Text: "true", Timeout: time.Minute})
	errs["write DeleteVolume"] = c.DeleteVolume(ctx, "vol-1")
	errs["write DeleteLaunchConfiguration"] = c.DeleteLaunchConfiguration(ctx, "lc")
	errs["write UpdateAutoScalingGroup"] = c.UpdateAutoScalingGroup(ctx, port.GroupUpdate{Name: "a", Min: &n})
	errs["write UpdateNodegroupConfig"] = c.UpdateNodegroupConfig(ctx, "acme", "a", "t", port.NodegroupConfig{Min: &n})
	errs["write TagGroup"] = c.TagGroup(ctx, "a", []port.GroupTag{{Key: "k", Value: "v"}})
	errs["write UntagGroup"] = c.UntagGroup(ctx, "a", []string{"k"})
	errs["write TerminateInstanceInGroup"] = c.TerminateInstanceInGroup(ctx, "i-1", true)
	_, errs["write StartInstanceRefresh"] = c.StartInstanceRefresh(ctx, port.NewInstanceRefresh{Group: "a", MinHealthy: 100, MaxHealthy: 110})
	errs["write CancelInstanceRefresh"] = c.CancelInstanceRefresh(ctx, "a")
	_, errs["write UpdateNodegroupVersion"] = c.startVersionUpdate(ctx, "acme", "a", "lt-1", "t", 2, false)
	_, _, errs["write PutObject"] = b.PutObject(ctx, "k", []byte("x"), "")
	errs["write DeleteObject"] = b.DeleteObject(ctx, "k")
	return errs
}
