package schema

// poolCodes are about what node pools start nodes from.
func poolCodes() []Code {
	return []Code{
		{"DC850", "no name left for a launch template", "A launch template that is made of a launch configuration gets a name that follows from the pool and the configuration. All of these are taken, and what a template of that name launches may be anything.",
			"Delete launch templates that nothing uses."},
		{"DC851", "a launch template is made of a launch configuration", "Launch configurations know no instance type since 2023 and no new account can make one. The pool states launch: \"launchTemplate\", so the plan makes a template that launches the same, and points the groups at its version 1. The launch configuration stays: a rollback goes back to it, and deletes the template.",
			"Nothing, unless the launch configuration is to stay: leave launch out then."},
		{"DC852", "Terraform's apply would drain a node group", "Terraform owns the image of the pool's managed node group. A new version of its launch template makes EKS replace all its nodes at once, and a pod that does not end within 15 minutes is ended, or the update fails.",
			"Let Terraform make a second node group with the new image, beside the one that stands; state both under groups; take the old one to zero once its runs have ended. Or apply in a maintenance window."},
		{"DC853", "a pool without groups is switched or sized", "A pool that states no groups is static: its nodes are reckoned with, and that is all. What it states of its image, sizes or roll would change nothing.",
			"State its Auto Scaling groups or managed node groups under groups, or leave these fields out."},
		{"DC854", "nodes of another cloud", "domctl switches, sizes and rolls nodes of AWS. The nodes of other clouds, and of machines of one's own, can be pools that are reckoned with.",
			"Leave groups out of the pool: its tiers are checked against its nodes all the same."},
	}
}
