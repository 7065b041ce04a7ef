package schema

// approvalCodes are about approvals that the controller waits for.
func approvalCodes() []Code {
	return []Code{
		{"DC535", "a plan that waits for approval", "A rule of the controller's configuration fits what the plan would do, and not enough of those whom it asks have approved it. Whoever wrote or pushed it does not count, nor does an approval of another effect, head or pull request, or one that is over or was used.",
			"Somebody whom the rule asks writes \"domctl apply EFFECT\" in a comment of the pull request that is named, also after the merge. The comment of domctl there shows the plan and the line to write."},
		{"DC536", "nowhere to approve a plan", "A rule of the controller's configuration fits what the plan would do, and the commit came to the branch by no pull request in which it could be approved.",
			"Merge a pull request on top, which may change nothing of the deployment, and have that approved; or apply by hand; or take the commit back. Protect the branch, so that it moves by pull requests alone."},
	}
}
