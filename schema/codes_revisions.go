package schema

// revisionCodes are about what builds environments.
func revisionCodes() []Code {
	return []Code{
		{"DC117", "two ways to an active revision", "What a revision is built from is stated, so that each change of it builds one and makes it active; a number beside it names another.",
			"Leave activeRevision out; or leave out what a revision is built from, and build in Domino."},
		{"DC125", "inherited docker arguments", "Domino starts a container with the docker arguments of the environments that its own is built on as well.",
			"Nothing; know what its runs are started with. Turn it off by deployment: findings: DC125: \"off\"."},
		{"DC126", "a privileged container", "With --privileged a container may do on its node what root may: read other users' runs and the node's credentials. Every user of the environment gets that.",
			"State the one thing that is needed: --cap-add=…, --device=…"},
		{"DC127", "workspace tools that cannot be read", "The text that stands for workspace tools is no YAML, or is not what Domino's form takes: tools by name, each with title, iconUrl, start, supportedFileExtensions and httpProxy. Domino would refuse it, or show the tool without what it does not know.",
			"Correct it at the place named. Anchors and keys that stand twice are refused; yes and on are text, as for Domino."},
		{"DC290", "Domino's form alone takes it", "No call of Domino's API sets or shows this. The rest of the environment is planned without it.",
			"Set it in Domino's form, and leave it out of the files."},
		{"DC291", "Domino cannot be asked", "An apply that is to build a revision, or to make one active, goes on without the address of Domino's API.",
			"State deployment.domino as it was when the plan was made, and resume."},
		{"DC292", "followers are built again", "Environments that follow another one's active revision (rebuildOnBaseChanges) are built again by Domino itself when another revision becomes active.",
			"Nothing; know that their builds take Domino's time, and that their users may get them."},
		{"DC293", "the API shows less than the database", "Domino's database holds the environment's active revision, and its API answers 404 for it: whose key it is may see a part only. What is not shown is not known, and not absent.",
			"Use an administrator's key. See who the key belongs to: domctl doctor."},
		{"DC294", "somebody else builds", "Domino builds a revision of the environment that domctl did not make. If its owner makes it active, an apply of this plan stops at what it does not expect.",
			"Ask who saved it; bring what it holds into the files."},
		{"DC375", "a secret to be filled in", "An imported environment has a variable that Domino shows masked, or that is a secret by its name. The import wrote a reference to an environment variable instead of a value. A masked one is taken for what stands in Domino until the files name another.",
			"Set the variable where domctl runs before the next build, or state another place that keeps it: variables: NAME: secret: {…}."},
		{"DC376", "an import without definitions", "MongoDB holds names, owners, descriptions and visibility of environments, and no documented field says what a revision is built from: only Domino's API does.",
			"State deployment.domino, take away what was imported, and import again; or leave it, and save revisions in Domino."},
		{"DC360", "a build failed", "Domino could not build the revision. The revision that was active stays, and so does what rests on it.",
			"Read the build's log in Domino, correct the definition, and apply it with `--supersede`."},
		{"DC361", "a build was cancelled", "Somebody ended the build in Domino. The revision that was active stays.",
			"Apply again with `--supersede`: another revision is made."},
		{"DC362", "a build took too long", "A build that hangs would hold an apply for ever: after two hours it is cancelled.",
			"Read the build's log in Domino; build what takes long into a base image."},
		{"DC363", "a masked variable", "Domino shows the variable's value as a mask. The files do not state it, and writing the mask into the new revision would lose the value.",
			"State it in the files, a secret as a reference."},
	}
}
