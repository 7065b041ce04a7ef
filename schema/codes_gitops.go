package schema

// gitopsCodes are about commits, and what is compared between them.
func gitopsCodes() []Code {
	return []Code{
		{"DC500", "nothing to compare with", "The commit that a change started from holds no such deployment, or one that cannot be planned: files that are not valid, or those of another deployment or outside.",
			"Nothing, for a new deployment. Else take the change as the whole plan, which an apply does in any case."},
		{"DC501", "a pointer instead of a file", "A commit is read without git's filters. This file is kept by git-lfs, so the commit holds only a pointer to it, and domctl would take that for its content.",
			"Keep files that deployments embed in git itself; or plan the work tree, without --head."},
		{"DC502", "not in the recording", "The plan was made against a recording of the world, which holds only what the files of then spoke of. Whether this object lives already, nobody looked.",
			"Nothing, while a change is reviewed; a plan with credentials knows. Record the world again once the change is merged: domctl world record."},
		{"DC520", "a mistake in the controller's configuration", "The file that domctl serve reads is not complete or not consistent. It binds deployments to what they may touch, so nothing in it is guessed.",
			"Correct it at the place named; domctl serve --check FILE tells all mistakes at once."},
		{"DC521", "the tree names another outside", "The controller's configuration binds each deployment to its account, region, database and records. A commit that states others is refused before anything is read there.",
			"Correct the files, or leave the field out; to move a deployment, change the controller's configuration first."},
		{"DC522", "a secret that the tree may not read", "The controller can read more secrets than each tree may have. A reference outside the list of the deployment is refused, merged or not.",
			"Use a secret that the list allows, or add it to the deployment's secrets in the controller's configuration."},
		{"DC523", "no deployment in the commit", "The controller's configuration names a folder of the repository, and the commit that its branch stands on has no files of a deployment there.",
			"Correct the deployment's dir in the controller's configuration, or put the files there."},
		{"DC524", "who acts cannot be told", "Several controllers of one configuration agree by a lease on who acts for a deployment, and the lease cannot be read or renewed. Whoever cannot renew it stops before another may begin; pages and webhooks are served on.",
			"Look whether the cluster, or the deployment's records, can be reached; a Role must let the controller get, create and update Leases in the namespace of its configuration."},
		{"DC525", "a finding that a rule needs", "The files turn a finding off, and a rule of the controller's configuration asks for approvals where there is such a finding. Turned off, it would be in no plan, and nobody would be asked.",
			"Leave the finding on, as a warning; whether anybody is asked about it is for the controller's configuration to say."},
		{"DC526", "what the controller's configuration names is not there", "A variable of the environment, or a file, is not there on the machine where the configuration was checked, or cannot be read by who checked it. Nothing of a secret was read.",
			"Set it, or put it there, where domctl serve runs. Nothing, where the file was checked on another machine. A secret is read whenever it is used, so that one that comes later counts."},
	}
}
