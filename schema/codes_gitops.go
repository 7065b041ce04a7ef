package schema

// gitopsCodes are about commits, and what is compared between them.
func gitopsCodes() []Code {
	return []Code{
		{"DC500", "nothing to compare with", "The commit that a change started from holds no such deployment, or one that cannot be planned: files that are not valid, or those of another deployment or outside.",
			"Nothing, for a new deployment. Else take the change as the whole plan, which an apply does in any case."},
		{"DC501", "a pointer instead of a file", "A commit is read without git's filters. This file is kept by git-lfs, so the commit holds only a pointer to it, and domctl would take that for its content.",
			"Keep files that deployments embed in git itself; or plan the work tree, without --head."},
	}
}
