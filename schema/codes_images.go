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
		{"DC266", "older images stay", "What `retain` states is not carried out by this version of domctl: each image that it baked stays until somebody removes it.",
			"Deregister older images by hand when nothing starts from them."},
		{"DC267", "what nodes will pull is not known", "A plan that bakes foretells what new nodes pull, and asks the registries for the layers. One of them did not answer in time, or an image is gone from it.",
			"Nothing: the plan is as good without it. `domctl images` asks again, and waits longer."},
		{"DC269", "an image that did not pass", "The image is tagged by domctl with why a fresh instance of it was not what it should be. Nothing is switched to it.",
			"Name another image, or bake it anew."},
		{"DC281", "a pin is to be looked at again", "The day on which somebody wanted to look at this pin again is over (reviewBy, in UTC). Nothing switches what is pinned, so that it stays old until somebody does.",
			"Unpin it, or state a later reviewBy and why."},
		{"DC282", "an image is to be reviewed", "The image is older than the files let it become without a review (reviewAfter).",
			"`domctl review` says what is newer, and what of it nobody uses; bake or find a newer one."},
		{"DC283", "a cached image shares too little", "Nobody runs the image by itself, and what ran has less than a fifth of its bytes in common with it: the rest takes place on each node.",
			"Leave it out of bake.cache; `domctl images suggest` chooses what pays."},
		{"DC284", "the image is of another architecture", "EC2 starts an instance only from an image of its architecture, and nodes run images of their platform alone. Types are judged by the table that domctl has.",
			"Name an image of the architecture, or change the instance type."},
		{"DC285", "the kubelet does not fit the cluster", "By Kubernetes' policy a kubelet may be three minor versions older than its cluster, and never newer. Which one an image has is read from its name, as Amazon, Bottlerocket and Canonical write it.",
			"Name an image for the cluster's version, or upgrade the cluster first."},
		{"DC286", "the cache is copied at each boot", "Amazon Linux 2023 moves containerd's folder to the RAID of an instance store: all that the image caches is read from its snapshot, which loads slowly, before a node is ready.",
			"State localStorage: disabledMounts: [Containerd] in the node's configuration, or cache nothing."},
		{"DC287", "nodes pull past the cache", "With FastImagePull nodes pull through the SOCI snapshotter, which does not see the layers that are cached under overlayfs.",
			"Turn FastImagePull off in the node's configuration, or cache nothing."},
	}
}
