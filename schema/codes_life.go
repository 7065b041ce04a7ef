package schema

// lifeCodes are about environments that are made, shared, renamed and archived.
func lifeCodes() []Code {
	return []Code{
		{"DC118", "two environments of one name", "Two environments of the files are to have the same name and owner, so that nobody could tell them apart in Domino, and domctl not which of them a live one is.",
			"Give one of them another name."},
		{"DC295", "the name is taken", "The environment's owner has another environment of that name; as a warning, another owner has.",
			"State another name; or, where the one that is there is meant, its id."},
		{"DC296", "perhaps a rename", "An environment is to be made that is built of the very same as one which was applied before and is no longer in the files. Where it was renamed, making another one would leave projects on the old one.",
			"State movedFrom: the name in files that it had. Where it is another one, archive the old one first."},
		{"DC297", "archived", "Domino hides the environment, and the files do not say whether it should; or they want one archived that is not there.",
			"State `archived: false` to bring it back, `archived: true` to leave it hidden, or take it out of the files."},
		{"DC298", "archived while it is used", "Archiving hides the environment. Who uses it keeps it, and nobody can choose it any more.",
			"Move those that the message names to another environment first, or tell their owners."},
		{"DC399", "what was built before is not known", "A definition that one of the environment's revisions was built of is made active again, without a build. Which ones are, Domino's API did not tell, so that this one is built anew.",
			"Nothing needs to be done. Plan again once Domino's API answers, to spare a build."},
		{"DC299", "no such owner", "Domino has no user or organization of the name; or the environment is to be visible to the organization that owns it, and a person does.",
			"Correct owner."},
		{"DC364", "Domino hides what may be domctl's", "The process that was to make the environment ended before it had an answer. An environment that may be it stands in Domino's database, and Domino's API answers 404 for it, so that nobody can tell.",
			"Resume with the key that the apply was begun with."},
		{"DC366", "a first build failed", "The environment is made, and the build of its first revision failed or was cancelled, so that it has no active revision.",
			"Read the build's log with `domctl environments log ENVIRONMENT`, correct the definition, and apply it with `--supersede`: another revision of the same environment is built."},
	}
}
