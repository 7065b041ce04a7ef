// Package operation names what a step can be of: its Op, as plans and records hold it.
// internal/world lowers changes to these; it carries out those of one call itself, and
// internal/bake, build, probe and roll the long ones. A name once given stays: records of
// applies that are rolled back years later hold it.
package operation

// Of MongoDB's documents.
const (
	InsertDocument = "mongo.insert"
	UpdateDocument = "mongo.update"
	DeleteDocument = "mongo.delete"
)

// Of AWS, by the call that each makes.
const (
	CreateLaunchTemplate        = "ec2.CreateLaunchTemplate"
	DeleteLaunchTemplate        = "ec2.DeleteLaunchTemplate"
	ModifyLaunchTemplate        = "ec2.ModifyLaunchTemplate"
	CreateLaunchTemplateVersion = "ec2.CreateLaunchTemplateVersion"
	DeleteLaunchTemplateVersion = "ec2.DeleteLaunchTemplateVersion"
	CopyLaunchConfiguration     = "autoscaling.CopyLaunchConfiguration"
	DeleteLaunchConfiguration   = "autoscaling.DeleteLaunchConfiguration"
	UpdateAutoScalingGroup      = "autoscaling.UpdateAutoScalingGroup"
	UpdateTags                  = "autoscaling.UpdateTags" // all that one step writes are given, or all are taken away
	UpdateNodegroupConfig       = "eks.UpdateNodegroupConfig"
	EnableImageDeprecation      = "ec2.EnableImageDeprecation" // and takes it back
	DeregisterImage             = "ec2.DeregisterImage"
	ModifyLaunchPermission      = "ec2.ModifyLaunchPermission"
	TerminateInstances          = "ec2.TerminateInstances"
	DeleteVolume                = "ec2.DeleteVolume"
	DeleteSnapshot              = "ec2.DeleteSnapshot"
)

// Of Karpenter's objects: what an EC2NodeClass chooses images by, and a NodePool's limits.
const (
	SetImageTerms = "karpenter.SetImageTerms"
	SetLimits     = "karpenter.SetLimits"
)

// Of Domino's API.
const (
	SetDefaultEnvironment = "domino.default"
	ActivateRevision      = "domino.activate" // its output "revision" is the revision's id
	ArchiveEnvironment    = "domino.archive"
	ShareEnvironment      = "domino.share"
	CreateTier            = "domino.tier.create"
	PutTier               = "domino.tier.put"
	ArchiveTier           = "domino.tier.archive"
	SetDefaultTier        = "domino.tier.default"
	CreateSetting         = "domino.setting.create"
	PutSetting            = "domino.setting.put"
	DeleteSetting         = "domino.setting.delete"
)

// The long ones. CreateEnvironment and BuildRevision end when a build has, and their
// outputs are "id" and "revision", "id" and "number"; Probe proves an image in Domino before
// a wave, and its output "pulled" is how long the run waited, in milliseconds.
const (
	CreateEnvironment = "domino.create"
	BuildRevision     = "domino.build"
	Probe             = "domino.probe"

	BakeImage    = "bake.image"    // on an instance of its own
	BakeTemplate = "bake.template" // on one that is lent
	BakeVerify   = "bake.verify"
	BakeCopy     = "bake.copy"

	RollGroup     = "roll.group"     // the nodes of an Auto Scaling group
	RollNodeGroup = "roll.nodegroup" // those of a managed node group, by EKS
	RollNodeClass = "roll.nodeclass" // those of an EC2NodeClass, which it switches
	RollExecutors = "roll.executors" // those of a classic tier
)
