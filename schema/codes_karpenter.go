package schema

// karpenterCodes are about pools whose nodes Karpenter starts and ends.
func karpenterCodes() []Code {
	return []Code{
		{"DC870", "the switch of an EC2NodeClass is a drain", "Karpenter takes nodes for drifted once their EC2NodeClass names another image, and replaces them by itself, as far as the disruption budgets of their NodePool let it: whatever runs on them, unless its pods forbid it. The pool states no roll, and the budgets of a NodePool do not hold drift, so that the image stays as it is.",
			"State roll: domctl has the budgets hold drift, switches the class, and ends each old node once no run is on it. Or hold drift in the NodePool yourself, and the class is switched for new nodes alone."},
		{"DC871", "an EC2NodeClass that others use too", "An EC2NodeClass names one image for every NodePool that refers to it. NodePools that are no groups of this pool would get the image too, and their nodes would drift.",
			"Put the NodePools into one pool, or give each an EC2NodeClass of its own."},
		{"DC872", "Karpenter is not there, or not as domctl knows it", "The pool has groups of Karpenter. Its objects are read from Kubernetes as karpenter.sh/v1 and karpenter.k8s.aws/v1; the cluster serves none of them, or other versions only, or the files do not say that it is asked, or a NodePool names no EC2NodeClass that is there. That is never taken for a pool without nodes.",
			"Do what the hint says: update Karpenter to 1.0 or later, correct the name, or state deployment: kubernetes."},
		{"DC873", "what Karpenter's pools do not have", "NodePools have limits in the place of minimum, maximum and desired size, start nodes by an EC2NodeClass, and are rolled on demand: Karpenter starts a node when a pod waits for it.",
			"State what the hint names."},
		{"DC874", "Karpenter ends nodes whatever runs on them", "expireAfter ends a node at an age, at once and past all disruption budgets of its NodePool; consolidation WhenEmptyOrUnderutilized moves pods off nodes to save money. A live run ends with its pod, unless that carries karpenter.sh/do-not-disrupt or a disruption budget keeps it; terminationGracePeriod ends it all the same.",
			"State expireAfter: Never and consolidationPolicy: WhenEmpty in the NodePool; a roll replaces nodes by age too."},
		{"DC875", "drift is held for domctl", "An apply had the NodePool hold drift, so that Karpenter keeps its nodes while domctl replaces them, and was abandoned or has not ended. Old nodes stay until then, and Karpenter replaces none for any other drift.",
			"Go on with the apply, or take it back: domctl apply --resume, domctl rollback. Where neither is to be, take the budget and the annotation domctl.dev/drift-held-by away: Karpenter then replaces the old nodes by itself, whatever runs on them."},
		{"DC876", "an EC2NodeClass that starts no nodes", "The EC2NodeClass was switched to an image, and Karpenter says that it starts no nodes by it: most often the image is not of this account and region, or is not for an architecture that the NodePool allows. The roll is turned back: the class is written as it stood, and drift is let go of once no node drifts.",
			"Mend what the message says. `domctl apply --supersede APPLY` lets go of the failed apply; then plan again."},
		{"DC877", "a NodePool says otherwise of its nodes", "The pool states labels, taints or a scaleDownDelay, and the template or the consolidateAfter of a NodePool of Karpenter is not so. domctl does not write them: a node whose NodePool says something else counts as drifted, and Karpenter replaces it.",
			"Correct the NodePool where it is made, or the files."},
	}
}
