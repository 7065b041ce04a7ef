package schema

// rollCodes are about replacing the nodes of a pool once its image was switched.
func rollCodes() []Code {
	return []Code{
		{"DC830", "nobody tells what runs on the nodes", "A roll ends a node once no live run is on it. Which runs are on which node is read from Kubernetes, and the files do not say how to reach it.",
			"State deployment: kubernetes, or leave roll out and replace the nodes by hand."},
		{"DC831", "the group to roll is gone", "An Auto Scaling group, or a managed node group, was there when the plan was made and is not any more. Nothing is replaced.",
			"Look at the group; then abandon the apply with `domctl apply --supersede APPLY` and plan again."},
		{"DC832", "the group starts another image", "A node is ended because its group starts the new image in its place. While the roll went on somebody switched the group to another one, so that the replacements would be of that.",
			"Find out who switches it. `domctl rollback` takes the apply back; or abandon it and plan again."},
		{"DC833", "a node of the new image does not get ready", "A node that was started from the new image did not become ready in Kubernetes in time. The roll is turned back: the group starts the old image again, the old nodes take runs again, and those of the new image go, each when its last run has ended.",
			"Mend the image. `domctl apply --supersede APPLY` lets go of the failed apply; then plan again."},
		{"DC834", "the group starts no instance", "The group was asked for an instance and has not started one in time: Amazon has no capacity of the type, or a quota of the account is reached. The roll stops, its cordons are lifted, and the capacity is as before. Where no node of the new image was ready before, the image may be what is wrong: the group starts the old one again.",
			"Look at the activities of the group: aws autoscaling describe-scaling-activities. Then let go of the apply, `domctl apply --supersede APPLY`, and plan again."},
		{"DC835", "a node did not get empty in time", "roll.drainTimeout was over and something was on the node yet: a live run, a pod that a disruption budget keeps, or one that no controller would start again. The plan does not force nodes, so that the roll stops and its cordons are lifted. It says nothing of the image, so that the group goes on starting the new one.",
			"Wait for what the message names, or end it; leave drainTimeout out to wait however long it takes; or state force, which ends live runs."},
		{"DC836", "an instance refresh failed", "The group's instance refresh ended otherwise than successfully, for the reason in the message. The roll is turned back: the group starts the old image again, and nodes of the new one go, each when its last run has ended.",
			"Mend what the reason says. `domctl apply --supersede APPLY` lets go of the failed apply; then plan again."},
		{"DC837", "the update of a managed node group failed", "EKS began to replace the nodes of a managed node group and gave up, for the reason in the message: most often a pod that a disruption budget keeps. The cordons are lifted; EKS has its own nodes turned back.",
			"Mend what the reason says, then plan again; or `domctl rollback`."},
		{"DC838", "an alarm rings", "An alarm of CloudWatch that roll.alarms names is in state ALARM while nodes are replaced. The roll is turned back: the group starts the old image again, and nodes of the new one go, each when its last run has ended. A managed node group that EKS replaces already goes on.",
			"Look at the alarm. `domctl apply --supersede APPLY` lets go of the failed apply; then plan again."},
		{"DC839", "an alarm that is not there", "roll.alarms names an alarm of CloudWatch that is not in this account and region. Nothing would stop the roll, so that it is not planned.",
			"Check the name; or leave it out of roll.alarms."},
		{"DC840", "a roll that cannot be", "What roll states of a node pool would let no node go, or none come, or does not fit the rest of it.",
			"State what the message names."},
		{"DC841", "nodes are replaced, and runs may end", "The plan does not only switch the image of a pool: the nodes that run on the old one are replaced. With force it ends live runs that are on a node when drainTimeout is over.",
			"Nothing if that is meant; else leave force out: a node goes when its last run has ended."},
		{"DC842", "no room for a replacement", "With strategy surge a replacement is started before a node goes, and a group of the pool is at its maximum already. The roll waits until there is room.",
			"Raise size.max by roll.maxSurge, or state maxUnavailable, or strategy: \"onDemand\"."},
		{"DC843", "a group whose overrides start other images", "The group's mixed instances policy has overrides that name an image or a launch template of their own. Whatever takes the place of their nodes would be the same again, so that the group is switched and not rolled.",
			"Leave template and image out of the overrides, or replace the nodes by hand."},
		{"DC844", "an alarm rings before the roll", "An alarm of CloudWatch that roll.alarms names is in state ALARM already. It could not tell what the new image does, and the roll would be turned back at once.",
			"Wait until the alarm is over, then plan again; or leave it out of roll.alarms."},
		{"DC845", "a size that another set since is left", "The apply set the number of nodes that a group wants, and an autoscaler, a roll or a person has set it since. A rollback puts the bounds back, and leaves the number where it fits them; where it does not, that is a conflict (DC420).",
			"Nothing; or leave size.desired out of the files where something else scales the group."},
	}
}
