package schema

func planCodes() []Code {
	return append(identityCodes(), changeCodes()...)
}

// identityCodes are about finding an object in the outside.
func identityCodes() []Code {
	return []Code{
		{"DC140", "ambiguous identity", "More than one live object bears the name, so domctl cannot tell which one is meant.",
			"State `id`: the one you mean."},
		{"DC141", "a setting stands twice", "The central configuration holds two records of one namespace and key; which of them Domino reads is not documented.",
			"Remove one of them in Domino."},
		{"DC142", "two executor groups for a tier", "A classic tier's AMI stands on its executor group. Two groups name this tier, so there is no one place to set it.",
			"Remove one of the groups, or leave `ami` out of the tier."},
		{"DC143", "no such group", "The pool names an Auto Scaling group or a managed node group that the account and region do not have.",
			"Check the name, the account and the region; drop a group that is gone."},
		{"DC144", "another object under its name", "What the last apply set is gone, and something else lives under the same name. Taking that for the same object could overwrite a stranger's.",
			"State `id` of the object you mean, or give this one another name."},
		{"DC145", "one object, two addresses", "Two addresses of the files mean the same live object. A path of an outside object belongs to one address only.",
			"Keep it under one of them."},
		{"DC146", "a document that cannot be read", "A field of the document has another type than the mapping expects, or holds what the schema cannot say.",
			"Check `deployment.mongo.mapping` with `domctl doctor`, or correct the document."},
		{"DC160", "a secret that cannot be resolved", "The value is stated as a reference, and nothing is found where it points. Without it domctl cannot tell whether the live value is the wanted one.",
			"Set what the reference names, where domctl runs."},
	}
}

// changeCodes are about what a plan does, or cannot do, about an object.
func changeCodes() []Code {
	return []Code{
		{"DC210", "nothing to refer to", "Another object refers to a field that this one does not have, neither in the files nor live.",
			"See the other findings of the object."},
		{"DC211", "other instance types than expected", "The files state under `expect` what the groups start, and a group starts something else.",
			"Correct the group, or what the files expect."},
		{"DC212", "sizes that do not fit", "Least, desired and most nodes of a group must rise in this order; AWS refuses anything else.",
			"State sizes with min ≤ desired ≤ max."},
		{"DC213", "the desired size moves along", "A group's desired size lies outside of the sizes it is to get, so it is moved to the nearest that fits. Nodes start or stop.",
			"Nothing, if that is what you want."},
		{"DC221", "no longer in the files", "It was applied before and the files no longer hold it. domctl archives nothing unless it is told to.",
			"Plan with `--allow archive`, state `lifecycle: prune: true` before it goes, or put it back."},
		{"DC222", "protected", "`lifecycle: protect: true` forbids to archive or retire the object, and the files no longer hold it.",
			"Put it back, or first apply it with `lifecycle: protect: false`."},
		{"DC230", "needs a bake", "The image has yet to be made, and this version does not make images.",
			"Bake it by hand and pin its id."},
		{"DC231", "needs a build", "The change makes a new revision of an environment, which Domino must build, and this version does not start builds.",
			"Save the revision in Domino, or leave these fields out of the files for now."},
		{"DC232", "a special AMI", "The AMI that stands there was put there by nobody that domctl knows of, or is pinned. Such images are there for a reason, and no policy switches them.",
			"Name the image in an `amis` entry and refer to it, or list it under `replaces` of the entry that may take its place."},
		{"DC233", "an AMI on a tier", "Only classic executors have their AMI on the tier; on Kubernetes it belongs to the node pool.",
			"State `ami` on the node pool."},
		{"DC234", "a tier without an executor group", "There is no executor group for the tier, so there is nowhere to set its AMI.",
			"Create the tier's executor group in Domino first."},
		{"DC235", "an image that is not available", "The image is pending, failed or deregistered; nodes could not start from it.",
			"Wait until it is available, or name another one."},
		{"DC236", "no such image", "The id is no image that this account can use in this region.",
			"Check the id, the region, and whether its owner shares it."},
		{"DC237", "an image that is not resolved", "Which image the filter or parameter finds stands in resolved.cue, and there it does not stand yet.",
			"Run `domctl update` and commit resolved.cue."},
		{"DC238", "an environment that cannot take it", "Domino's database cannot hold the change as it is: a revision that is not built, an owner that changes, a field that cannot be unset.",
			"Change it in Domino, or leave it out of the files."},
		{"DC239", "owned by someone else", "The files say that Terraform, or nobody here, writes this field. domctl says what differs and writes nothing.",
			"Change it where its owner has it, then plan again."},
		{"DC240", "restart pending", "The setting takes effect when Domino's services restart, which domctl does not do.",
			"Restart the affected services after the apply."},
		{"DC241", "needs a roll", "Switching a managed node group drains its nodes at once, live runs and all, and this version does not roll nodes one by one.",
			"Switch it in a maintenance window by hand, or wait for a version that rolls."},
		{"DC243", "a group that follows $Latest", "A new version of its launch template would take effect the moment it is made, before anything could check it.",
			"Have the group follow `$Default` or a number."},
		{"DC244", "one template, two images", "Groups that follow the default version of one launch template want different images.",
			"Give each a launch template of its own."},
		{"DC245", "moves a default version", "Every group that follows `$Default` of this template starts new nodes from the new version, also groups that the files do not name.",
			"Look at who else follows it before you apply."},
		{"DC246", "nothing to start from", "The group names a launch template version or a launch configuration that is not there.",
			"Check the group."},
		{"DC247", "an image that is not known yet", "The copy of a launch configuration is named after its image, which an earlier change makes.",
			"Apply what makes the image first."},
		{"DC248", "a value that Domino cannot hold", "The value does not fit the type that the field has in Domino's database.",
			"Write a value that fits."},
		{"DC249", "what cannot be unset", "AWS has no state without this value.",
			"Leave the field out to let go of it, or state another value."},
		{"DC250", "no name left", "Every name that a copy of the launch configuration could have is taken.",
			"Delete launch configurations that nothing uses."},
	}
}
