package schema

// poolCodes are about what node pools start nodes from.
func poolCodes() []Code {
	return []Code{
		{"DC850", "no name left for a launch template", "A launch template that is made of a launch configuration gets a name that follows from the pool and the configuration. All of these are taken, and what a template of that name launches may be anything.",
			"Delete launch templates that nothing uses."},
		{"DC851", "a launch template is made of a launch configuration", "Launch configurations know no instance type since 2023 and no new account can make one. The pool states launch: \"launchTemplate\", so the plan makes a template that launches the same, and points the groups at its version 1. The launch configuration stays: a rollback goes back to it, and deletes the template.",
			"Nothing, unless the launch configuration is to stay: leave launch out then."},
	}
}
