package schema

// capacityCodes are about what node pools hold.
func capacityCodes() []Code {
	return []Code{
		{"DC800", "a tier leaves much of a node unused", "Executions of the tier alone leave more of one resource of a node than the pool allows (expect.maxUnused), on the node that they fill best. What is left is paid for, and only a smaller tier can use it.",
			"Size the tier so that a whole number of it fills a node (domctl capacity shows what is left), move it to another pool, or raise expect.maxUnused."},
		{"DC801", "a zone without the instance type", "A group of the pool is in a zone that offers none of its instance types, so that it starts no node there: executions that need a volume of that zone wait for ever, and the rest of the group is smaller than it seems.",
			"Take the zone out of the group, or name an instance type that the zone has."},
		{"DC802", "nodes that belong to no pool", "Hardware tiers name the label dominodatalab.com/node-pool of the nodes that their executions start on. No execution starts on a node without it.",
			"Label the groups that start the nodes; drain those that nobody needs."},
		{"DC803", "unlike nodes in one pool", "The cluster autoscaler reckons what a new node of a group would hold from one of its instance types, and Domino's tiers name the label alone. With nodes of several sizes, an execution may wait for a node that never holds it.",
			"Give each size a label, a pool and tiers of its own."},
		{"DC804", "a pool was nearly full", "In the window, executions at one time needed nine tenths of the nodes that the pool may have, or more, reckoned as the least that held them. Beyond the maximum executions wait.",
			"Raise size.max, or move tiers to another pool; a node that is not needed goes by itself."},
		{"DC805", "a volume too small for what is cached", "The launch template, launch configuration or EC2NodeClass states how large the volume is on which new nodes keep images; for a class without blockDeviceMappings Karpenter takes 20 GiB. What their AMI caches fills more than the kubelet leaves: it removes images at once, and nodes pull them again.",
			"Make the volume larger where the message says, or cache less: domctl images suggest chooses."},
		{"DC806", "where instance types are offered is not known", "EC2 did not say which zones of the region have the instance types of the pools. That is no sign that they have them.",
			"Allow ec2:DescribeInstanceTypeOfferings; `domctl doctor` says what is missing."},
		{"DC807", "taints that the files do not state", "A group says that its nodes have taints which the pool does not state beside its labels or taints. The cluster autoscaler goes by them: it starts no node for a pod that does not tolerate one.",
			"State them under taints, so that the files say what nodes are; or take them away where the group is made."},
		{"DC808", "live nodes could not be read", "Whether tiers fit is judged by what live nodes can allocate, where a cluster can be asked. It did not answer, so that instance types less overhead were judged.",
			"`domctl doctor` says what the cluster lets domctl do."},
		{"DC809", "a taint that would evict what runs", "EKS gives the taints of a managed node group to the nodes that run, too. NoExecute has every pod that does not tolerate it evicted, live runs among them, so domctl neither sets it nor, since a rollback would set it again, takes it away.",
			"State NoSchedule, which new executions heed and running ones do not. Or change the taint by hand when nothing runs on the nodes: then nothing is left to write."},
		{"DC810", "groups on launch configurations", "Groups of the pool start nodes from launch configurations. New accounts cannot make any, instance types that are newer than 2022 cannot be named in one, and an image makes a copy where a launch template gets a version.",
			"State launch: \"launchTemplate\" on the pool. The plan makes a template of each configuration, with the pool's new image where there is one, and a rollback goes back."},
		{"DC811", "the file that Terraform reads is not written", "domctl plan --write-terraform puts values into the file of variables that a pool states, in place. It writes a regular file inside the repository of the deployment alone, and only where it understands it whole and the variable holds plain text, a number or null, or of labels and taints a map of such; a key that is to go it leaves to hands.",
			"Do what the message says; or set the variable by hand, the plan says to what."},
		{"DC812", "a variable of what Terraform does not own", "terraform.variables names a variable of a field whose owner is domctl, or which is only observed. Nothing would ever be written to it.",
			"State the owner as \"terraform\", or leave the variable out."},
		{"DC813", "no label or taint that a node can have", "Kubernetes takes keys and values of labels and taints in few characters, the tag by which the cluster autoscaler knows them is 128 characters at most, and the pool's own label is stated as label.",
			"Change the key or the value as the message says."},
	}
}
