package schema

// pullCodes are about pull requests that the controller plans.
func pullCodes() []Code {
	return []Code{
		{"DC530", "a pull request that is behind", "The branch and the pull request changed the same file, each in its own way. Lines are not merged here, so what the merge would give is not known, and the plan is of the pull request's own files.",
			"Merge the branch into the pull request, or rebase it, and push: it is planned again then."},
		{"DC531", "a pull request from a fork", "The commits come from another repository than the controller's. What they change is not planned with the controller's credentials, and its files are not evaluated.",
			"Somebody who may write to the repository pushes the commits to a branch there, and opens a pull request for it."},
	}
}
