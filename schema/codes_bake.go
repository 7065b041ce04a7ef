package schema

// bakeCodes are about an image in the making.
func bakeCodes() []Code {
	return []Code{
		{"DC330", "the instance is not as it was left", "Somebody stopped or terminated the instance on which an image is made, or on which one is verified, before its work was done. What it holds by now is not known.",
			"`domctl apply --supersede APPLY` keeps what else the apply did and bakes anew; `domctl rollback` takes back all of it."},
		{"DC331", "the work on the instance failed", "A script, a pull or the clean-up ended with an error, or did not end in time. No image was made, and the instance is terminated; the message says what it was at and the last line of its log.",
			"Mend what the message names; `domctl apply --supersede APPLY` keeps what else the apply did and bakes anew. `--resume` comes to the same failure, and `domctl rollback` takes back all that it did."},
		{"DC332", "the image's name is taken", "An image of the name that this apply would give is there, and no apply of this deployment made it of the same content: for one that did, a number is added. The name holds the deployment, the minute, the entry and the content.",
			"Remove the other image if nobody needs it, or plan again: a later minute is another name."},
		{"DC333", "EC2 could not make the image", "The image came to a state other than available.",
			"`domctl apply --supersede APPLY` keeps what else the apply did and makes another; `domctl rollback` takes back all of it."},
		{"DC334", "the new image is gone", "It was made by this apply, and somebody deregistered it before it was verified.",
			"`domctl apply --supersede APPLY` plans again."},
		{"DC335", "the new image did not pass", "A fresh instance of it did not come up, or does not hold what it should. Nothing was switched to it.",
			"Mend what the message says is missing; `domctl apply --supersede APPLY` keeps what else the apply did and bakes anew. The image stays until `domctl gc`; `domctl rollback` removes it, with all that the apply did."},
		{"DC345", "the copy failed", "EC2 began a copy to another region and could not finish it: a KMS key of that region that cannot be used is the usual reason. The image itself, and its other copies, are there.",
			"Mend what the message names and go on with `domctl apply --resume APPLY`, which makes it again; or `domctl rollback`."},
		{"DC347", "the instance is not as the plan saw it", "An image is to be made of an instance that is not domctl's, and since the plan was made, or while domctl worked on it, somebody started, stopped or terminated it. domctl put back what it had changed and left the rest as it is.",
			"See who uses it; then `domctl rollback`, and apply again."},
		{"DC348", "the script is too long for SSM", "SSM sends at most 64 KB to an instance, and what is to be run there is longer: each image that is cached takes about 1 KB of it, and scripts of the files what they hold. Nothing was started.",
			"Cache fewer images, let scripts fetch what is long, or reach the instance over SSH (bake: connect: ssh), which has no such limit."},
		{"DC356", "runs waited for an image that their nodes should have", "The AMI that the pool's nodes start from holds the image, and runs that started after it was made still waited long for their images. Nodes may be older than the switch, the kubelet may have removed the image from a full disk, the snapshotter in use may not be the one that it was pulled with, or Domino's own images are pulled.",
			"On a node of the pool see which image it started from, and `crictl images` (or `docker images`) for the one that is missing; replace nodes that are older than the switch."},
		{"DC357", "runs waited for an image that their nodes pull", "Runs of this revision on this tier waited longer than `--slow-pull` for their images, and the AMI of the pool does not hold all of it, or nobody knows what it holds.",
			"`domctl images suggest` says what is worth caching; state it in bake.cache of the pool's AMI."},
		{"DC358", "Domino's address is none", "`deployment.domino.url` is where Domino's REST API is asked. It holds no user, no query and no fragment: a key that stands there would be in the files.",
			"Write the address that people open, https://domino.acme.com, and make a new key where one stood in it."},
		{"DC359", "another machine answers for the instance", "Over SSH an instance, and a bastion before it, must show a host key that is known: what the instance wrote to its console, or what the files state. Another one was shown, or none of a kind that is known. Nothing was sent there, no key and no script.",
			"Look who answers at that address. `domctl rollback` terminates the instance, by its id; where the machine's keys are stated in the files and were changed for a reason, state the new ones."},
		{"DC346", "the instance is in use", "Another apply works on the instance that an image is to be made of: its tag `domctl:borrowed` says which, since when, and what its power state was before.",
			"Let that apply end, or take it back. If it is lost, put the instance back as it was and remove the tag."},
	}
}
