package aws

import "slices"

// Mode is what domctl is about to do.
type Mode string

// The modes. Apply includes what a plan needs.
const (
	Plan  Mode = "plan"
	Apply Mode = "apply"
)

// Permission is what one API call needs of IAM.
type Permission struct {
	Call    string   // as Observe hears it: "s3:ListObjectsV2"
	Actions []string // IAM actions; the first is the call's own
	// On is what the actions can be narrowed to: "" is "*" (the call takes no
	// resource), else a kind of ARN ("bucket", "key").
	On string
	// When is the setting without which the call is never made.
	When string
}

// bakes is the setting that makes domctl run instances.
const bakes = "amis: bake"

// encrypts is the setting that makes EC2 use a KMS key for it.
const encrypts = "amis: copies: kmsKey"

// moves is the setting that makes domctl turn launch configurations into templates.
const moves = "nodePools: launch"

// rolls is the setting that makes domctl replace nodes, clusterRolls that and a cluster.
const (
	rolls        = "nodePools: roll"
	clusterRolls = "deployment.aws.cluster, nodePools: roll"
)

// alarms is the setting that makes domctl watch alarms while nodes are replaced.
const alarms = "nodePools: roll: alarms"

// ends is the setting that makes domctl end executors.
const ends = "hardwareTiers: roll"

// registries is the setting that makes domctl log in to Amazon ECR.
const registries = "registries: ECR"

// Permissions lists every API call of a mode, for doctor and its policies.
// Source: the "Actions" pages of the Service Authorization Reference; what a
// call needs of other services is on its own page.
// https://docs.aws.amazon.com/service-authorization/latest/reference/
func Permissions(mode Mode) []Permission {
	all := reads()
	if mode == Apply {
		all = append(all, writes()...)
	}
	return slices.Clip(all)
}

func reads() []Permission {
	return []Permission{
		only("sts:GetCallerIdentity", "", ""),
		only("sts:AssumeRole", "role", "deployment.aws.role"),
		only("ec2:DescribeImages", "", ""),
		only("ec2:DescribeLaunchTemplates", "", ""),
		only("ec2:DescribeLaunchTemplateVersions", "", ""),
		only("ec2:DescribeInstanceTypes", "", ""),
		only(describeOfferings, "", ""),
		only(describeInstances, "", ""),
		only(consoleOutput, "instance", bakes),
		only(describeVolumes, "", bakes),
		only(describeSnapshots, "", bakes),
		only(describePermission, "", bakes),
		only(describeSecured, "", bakes),
		only(describeKeys, "", bakes),
		only(instanceInfo, "", bakes),
		only(commandInvocation, "", bakes),
		only(describeGroups, "", ""),
		only(describeConfigurations, "", ""),
		only(describeActivities, "", ""),
		only(describeRefreshes, "", rolls),
		only(describeAlarms, "", alarms),
		only(describeCluster, "cluster", "deployment.aws.cluster"),
		only("eks:ListNodegroups", "cluster", "deployment.aws.cluster"),
		only("eks:DescribeNodegroup", "nodegroup", "deployment.aws.cluster"),
		only(describeUpdate, "nodegroup", clusterRolls),
		// A role that gets a token reads with it what its policy and the repository's let it.
		// https://docs.aws.amazon.com/AmazonECR/latest/userguide/repository-policy-examples.html
		{Call: authorizationToken, Actions: []string{authorizationToken, "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"}, When: registries},
		only("ssm:GetParameters", "parameter", ""),
		{Call: "ssm:GetParameter", Actions: []string{"ssm:GetParameter", "kms:Decrypt"}, On: "parameter", When: "secret: ssm"},
		{Call: "secretsmanager:GetSecretValue", Actions: []string{"secretsmanager:GetSecretValue", "kms:Decrypt"}, On: "secret", When: "secret: secretsManager"},
		only("s3:GetObject", "object", "deployment.state.s3"),
		{Call: "s3:ListObjectsV2", Actions: []string{"s3:ListBucket"}, On: "bucket", When: "deployment.state.s3"},
		only("kms:Decrypt", "key", "deployment.state.s3.kmsKey"),
	}
}

func writes() []Permission {
	return []Permission{
		only("ec2:CreateLaunchTemplateVersion", "launch-template", ""),
		only(createTemplate, "launch-template", moves),
		only(deleteTemplate, "launch-template", moves),
		only("ec2:ModifyLaunchTemplate", "launch-template", ""),
		only("ec2:DeleteLaunchTemplateVersions", "launch-template", ""),
		// What is launched is tagged in the same call, and given its profile's role.
		// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/supported-iam-actions-tagging.html
		{Call: runInstances, Actions: []string{runInstances, createTags, "iam:PassRole"}, When: bakes},
		only(startInstances, "instance", bakes),
		only(stopInstances, "instance", bakes),
		only(terminate, "instance", bakes),
		only(terminate, "instance", ends),
		{Call: createImage, Actions: []string{createImage, createTags}, When: bakes},
		{Call: copyImage, Actions: []string{copyImage, createTags}, When: bakes},
		// EC2 uses the key in the caller's name.
		// https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html#ebs-encryption-permissions
		{Call: copyImage, Actions: []string{copyImage, "kms:CreateGrant", "kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKeyWithoutPlaintext", "kms:ReEncrypt*"}, When: encrypts},
		only(modifyPermission, "image", bakes),
		only(createTags, "", bakes),
		only(deleteTags, "", bakes),
		only(enableDeprecation, "image", bakes),
		only(disableDeprecation, "image", bakes),
		{Call: deregisterImage, Actions: []string{deregisterImage, deleteSnapshot}, When: bakes},
		only(deleteSnapshot, "snapshot", bakes),
		only(deleteVolume, "volume", bakes),
		only(sendCommand, "command", bakes),
		{Call: createConfiguration, Actions: []string{createConfiguration, "iam:PassRole"}, On: "launchConfiguration"},
		only("autoscaling:DeleteLaunchConfiguration", "launchConfiguration", ""),
		// Auto Scaling checks that the caller may start what the template says.
		// https://docs.aws.amazon.com/autoscaling/ec2/userguide/ec2-auto-scaling-launch-template-permissions.html
		{Call: "autoscaling:UpdateAutoScalingGroup", Actions: []string{"autoscaling:UpdateAutoScalingGroup", "ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"}, On: "autoScalingGroup"},
		only(tagGroup, "autoScalingGroup", ""),
		only(untagGroup, "autoScalingGroup", ""),
		only(updateConfig, "nodegroup", "deployment.aws.cluster"),
		only(terminateInGroup, "autoScalingGroup", rolls),
		{Call: startRefresh, Actions: []string{startRefresh, "ec2:RunInstances", "ec2:CreateTags", "iam:PassRole"}, On: "autoScalingGroup", When: rolls},
		only(cancelRefresh, "autoScalingGroup", rolls),
		// EKS checks that the caller may start what the template says.
		// https://docs.aws.amazon.com/eks/latest/userguide/troubleshooting.html
		{Call: updateGroupVersion, Actions: []string{updateGroupVersion, "ec2:RunInstances", "ec2:CreateTags"}, On: "nodegroup", When: clusterRolls},
		only("s3:PutObject", "object", "deployment.state.s3"),
		only("s3:DeleteObject", "object", "deployment.state.s3"),
		only("kms:GenerateDataKey", "key", "deployment.state.s3.kmsKey"),
	}
}

// only is a call that needs the action of its own name.
func only(call, on, when string) Permission {
	return Permission{Call: call, Actions: []string{call}, On: on, When: when}
}
