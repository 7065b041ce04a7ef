package schema

// pullCodes are about pull requests that the controller plans.
func pullCodes() []Code {
	return []Code{
		{"DC530", "a pull request that is behind", "The branch and the pull request changed the same file, each in its own way. Lines are not merged here, so what the merge would give is not known, and the plan is of the pull request's own files.",
			"Merge the branch into the pull request, or rebase it, and push: it is planned again then."},
		{"DC531", "a pull request from a fork", "The commits come from another repository than the controller's. What they change is not planned with the controller's credentials, and its files are not evaluated.",
			"Somebody who may write to the repository pushes the commits to a branch there, and opens a pull request for it. Or commit a recording of the world (domctl world record), and name it as the deployment's recording in the controller's configuration: forks are planned from it, without credentials."},
		{"DC532", "a recording that does not serve", "Pull requests from forks are planned from a recording of the world that the branch holds. It is not there, cannot be read, is too large or too old, or is of another deployment, account, region or database.",
			"Somebody with credentials records the world, domctl world record, and commits that to the branch; a job that does so keeps it young. How long one counts says recording.last in the controller's configuration."},
		{"DC533", "a fork that brings a recording", "The pull request comes from a fork and changes the recording of the world from which forks are planned. Its own plan goes by the one of the branch, but once it is merged, others' plans go by what it says.",
			"Leave the recording out of the pull request, and let who has credentials make a new one: domctl world record."},
	}
}
