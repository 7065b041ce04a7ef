package schema

// planCodes are about what the files say beside what lives.
func planCodes() []Code {
	return append(append(identityCodes(), changeCodes()...), blockedCodes()...)
}

// identityCodes are about which live object an address is.
func identityCodes() []Code {
	return []Code{
		{"DC140", "ambiguous identity", "Several live objects have the name, and a change of the wrong one cannot be taken for granted.",
			"State id on the object: one of those that the message lists."},
		{"DC141", "two records of one setting", "Domino's central configuration holds the key twice in one namespace; which of the two counts is not documented.",
			"Remove one of them in Domino's central configuration."},
		{"DC142", "two executor groups of one tier", "The AMI of a classic tier stands on its executor group; with two of them there are two answers.",
			"Remove one of the groups in Domino, or leave ami out of the tier."},
		{"DC143", "no such group", "A pool names an Auto Scaling group or a managed node group that this account and region do not have.",
			"Correct the name, or the account and region."},
		{"DC144", "another object lives under the name", "The object that the last apply recorded is gone, and another one has its name. It may be its successor or a stranger.",
			"State id if that one is meant; otherwise rename it in Domino."},
		{"DC119", "Domino's API does not answer", "What an environment is built from, the deployment's default environment, and kinds of which deployment.backends says so are known to Domino's API, and it could not be read: the API is down, slow, or denies the route. A read that failed says nothing of what stands, so that nothing of the entry is planned, neither made, changed nor archived; everything else is.",
			"Run `domctl doctor`, and plan again once the API answers, or with the key of a Domino administrator."},
		{"DC145", "two objects are one outside", "Two objects of the files would write the same thing outside, so each apply would undo the other.",
			"State different ids, or merge the two. Pools that share the default version of a launch template become one pool, or get a template each."},
		{"DC146", "a live field holds another type", "The mapping says where a field stands, and something of another type stands there; writing to it could break Domino.",
			"Run `domctl doctor`; correct deployment.mongo.mapping, or the document."},
		{"DC365", "a secret too short to be hidden", "What a reference leads to is hidden wherever logs of builds and bakes are shown: each place where it stands. One of under five bytes stands in ordinary words and numbers too, so that hiding it would leave nothing to read, and show what it is by what is missing. It is not hidden, and who runs domctl is told; no plan and no record says so.",
			"Put a longer one where the reference leads. Where the value is no secret, state it in the files itself."},
		{"DC160", "a secret cannot be resolved", "The value is kept elsewhere and could not be read from there, so it cannot be compared or written. As a warning of a plan: an environment's variable counts as unchanged until it can be compared, and what the plan writes is refused by an apply before anything is written.",
			"Set what the reference names, where domctl runs."},
	}
}

// changeCodes are about changes that are planned.
func changeCodes() []Code {
	return []Code{
		{"DC210", "a reference leads to nothing", "An object refers to a field that the other object does not have, neither in the files nor outside.",
			"See the findings of the object that is referred to."},
		{"DC211", "another instance type", "The files expect other instance types than the group starts, so capacity was judged by the wrong ones.",
			"Correct expect.instanceTypes, or change the group."},
		{"DC212", "sizes do not fit each other", "AWS refuses a group whose min is above its max, or whose desired size is not between them.",
			"State sizes with min ≤ desired ≤ max; what is not stated keeps its live value."},
		{"DC213", "the desired size moves along", "The new bounds leave out the desired size, so it moves to the nearest bound. Nodes start or stop.",
			"Nothing, if that is meant."},
		{"DC214", "upstream is ahead", "The SSM parameter names another image than resolved.cue holds; plans follow from resolved.cue alone.",
			"Run `domctl update`, and commit resolved.cue by itself."},
		{"DC215", "resolved.cue names a stranger", "The image that resolved.cue holds has another name, architecture or owner than the entry's filter asks for, and an image never changes these: the file was changed by hand, or copied from another deployment.",
			"Run `domctl update`, and look in git for what changed resolved.cue."},
		{"DC221", "kept, though no longer in the files", "What was applied once and is no longer in the files is archived only when that is asked for.",
			"Plan with --allow archive, state lifecycle: prune: true before it goes, or put it back."},
		{"DC222", "protected", "lifecycle: protect: true forbids archiving the object.",
			"Put it back, or apply it once with protect: false."},
		{"DC223", "a rename that cannot be followed", "movedFrom names an address that is still declared, or both addresses were applied: following it would exchange the objects under the people who use them.",
			"Rename one address at a time, and drop movedFrom once it was applied."},
		{"DC240", "takes effect after a restart", "Domino reads most of its central configuration when a service starts.",
			"Restart the affected services after the apply, then run `domctl apply --restarted`."},
		{"DC242", "a restart is pending", "An earlier apply wrote the setting, and neither MongoDB nor AWS tells whether Domino's services restarted since. domctl says it in every plan until a person says that they did.",
			"Once they restarted, run `domctl apply --restarted`; with --target for some settings only."},
		{"DC245", "a default version moves", "Every Auto Scaling group that follows the template's default starts new nodes from it at once, declared or not.",
			"Make sure that all of them are meant; pin the others to a version first."},
		{"DC251", "other groups follow the latest version", "A group that follows $Latest starts new nodes from a version of its launch template as soon as there is one, whatever the plan does with it afterwards.",
			"Make sure that all of them are meant; pin the others to a version first."},
		{"DC255", "overrides start from something else", "An override of a mixed instances policy may name a launch template or an image of its own, from which its instance types start. domctl switches the group's template, and no override.",
			"Change the overrides by hand, or take the template out of them; retire keeps what they name."},
		{"DC253", "block devices are restated", "EC2 drops the snapshots of a version's block devices when a version is made from it, so they are stated again; the root device's is the old image's, and is left out.",
			"Nothing: this tells what the new version holds."},
		{"DC254", "a small root volume", "EC2 starts nothing with a volume smaller than the snapshot it is made from.",
			"Make the root volume in the launch template or EC2NodeClass at least as large as the image says."},
	}
}

// blockedCodes are about changes that nothing is done about.
func blockedCodes() []Code {
	return []Code{
		{"DC230", "the image cannot be baked", "What it is to be made of is not known, or not there: the image to start from, a revision that it caches, or the digest of one.",
			"Do what the hint says; or bake the image by hand and pin its id."},
		{"DC231", "a revision has to be built", "What an environment's revision is built from changes by a new revision alone, which Domino's API builds; and its API alone makes environments.",
			"State deployment.domino; or save the revision in Domino, and leave these fields out of the files."},
		{"DC232", "a special AMI is left alone", "The AMI that stands there is pinned, or neither domctl nor an entry of amis put it there. Switching it could take away what somebody needs of it.",
			"Leave ami out, or list the AMI under replaces of the entry that may take its place."},
		{"DC233", "no AMI on this tier", "Only tiers with classic executors have an AMI; elsewhere it belongs to the node pool.",
			"State ami on the node pool."},
		{"DC234", "no executor group", "A classic tier's AMI stands on its executor group, and none names this tier.",
			"Create the tier's executor group in Domino first."},
		{"DC235", "the image is not available", "Nodes cannot start from an image that is pending, failed or disabled.",
			"Wait until it is available, or name another one."},
		{"DC236", "no such image", "The account and region that answer have no such image, or may not see it.",
			"Check the id, the region, and with whom the image is shared."},
		{"DC237", "the image is not resolved", "resolved.cue does not say which image is meant.",
			"Run `domctl update` and commit resolved.cue."},
		{"DC238", "cannot be changed", "Domino has no such change: to a revision that is not built, to no name or visibility, to an id of one's own; and of an environment's owner, its API alone.",
			"Change it in Domino, or leave it out of the files."},
		{"DC239", "belongs to another owner", "The files say that someone else owns the field, so domctl states the change and writes nothing.",
			"Make the change there; or state owner as \"domctl\"."},
		{"DC241", "a managed node group would drain", "EKS drains the nodes of a managed node group as soon as it gets a new version, whatever runs on them. The pool states no roll, so that the image is left; other changes of the pool are made.",
			"State `roll`, and domctl has EKS go to the image once no run is on the old nodes; or switch it by hand in a maintenance window."},
		{"DC243", "the group follows $Latest", "A new version of the launch template would take effect the moment it is made, before anything was checked.",
			"Pin the group to a version, or to $Default."},
		{"DC244", "one default, two images", "Groups that follow the default version of one launch template want different images.",
			"Give each its own launch template."},
		{"DC246", "nothing to start nodes from", "The group names a launch template version or launch configuration that is not there, or neither.",
			"Look at the group in AWS."},
		{"DC248", "Domino cannot hold the value", "Domino keeps sizes as a number of GiB, MiB, GB or MB.",
			"Write a value that is a whole number of one of these."},
		{"DC249", "cannot be unset", "A group has always an image and sizes.",
			"Leave the field out to let go of it."},
		{"DC252", "another root device", "The launch template states a volume for the root device of the old image, and the new image starts from a device of another name: its root would get the image's own size, and the stated volume would be an empty one beside it.",
			"Make a version of the launch template that states the root device of the new image, or name an image with the same root device."},
		{"DC250", "no name is left for a copy", "Every name that domctl would give the copy of a launch configuration is taken by something else.",
			"Delete launch configurations that nothing uses."},
	}
}
