package schema

// imageCodes are about what an AMI is to cache; `domctl images` says them.
func imageCodes() []Code {
	return []Code{
		{"DC261", "more is cached than the kubelet leaves", "Once a volume is fuller than 85 %, the kubelet removes images until it is at 80 %, those that nothing used first. What a registry tells of sizes is a lower bound, and the system is on the volume too.",
			"Cache less (`domctl images suggest` chooses), or state a larger bake.volume.size."},
		{"DC262", "many cached base images", "Domino's own advice is to cache fewer than five: layers that images share count, not images, and each one more needs disk.",
			"Keep those that most runs share; `domctl images suggest` chooses."},
		{"DC263", "a cached image saves nothing", "With or without it, new nodes pull the same bytes for what ran: nothing ran it of late, and what it shares is cached by others.",
			"Leave it out of bake.cache; or look further back with --window."},
		{"DC264", "a baked image does not say what it holds", "The tag on the image that tells its content is not what the records say: somebody changed it. What cannot be told is baked again.",
			"Find out who changes tags of images; the new one takes the place of this."},
		{"DC265", "rolled out in waves", "The image reaches tiers and pools in the order of its rollout: each wave after all of the one before, when its window is open and it was approved. What no wave names comes last.",
			"Nothing. An apply that waits is gone on with by `domctl apply --resume`, an approval is given with `--approve`."},
		{"DC266", "what becomes of an older image", "`retain` is stated, and this image was baked for the entry before the one that stands. It goes only when it is beyond what `retain` keeps and nothing at all refers to it: the message says what does. It is deprecated first, and deregistered by a later apply, after the time of grace.",
			"Nothing. `domctl amis inspect AMI` says all that refers to it; one that is deprecated and used again is taken back from it by the next apply."},
		{"DC278", "an image goes for good", "An image that has been deprecated for the time of grace, and that nothing refers to, is deregistered with its snapshots. No rollback brings it back; one of this apply leaves the entry out.",
			"To keep it, state more under `retain`, or pin it, before the plan is applied."},
		{"DC269", "an image that did not pass", "The image is tagged by domctl with why a fresh instance of it was not what it should be. Nothing is switched to it.",
			"Name another image, or bake it anew."},
		{"DC267", "an instance is borrowed", "An image is made of an instance that is not domctl's (from: instance). One that runs is stopped while EC2 copies its disks, and started again; images that former bakes put on it and that are declared no more are removed from it. It is never terminated.",
			"See that nobody works on it while the apply runs."},
	}
}
