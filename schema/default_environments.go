package schema

// DeploymentDefault is the name in files of the deployment's own default environment,
// where no organization is stated.
const DeploymentDefault = "deployment"

// defaultEnvironments: which environment projects get that name none. The deployment has
// always one, which Domino's API sets; an organization's stands in MongoDB.
func defaultEnvironments() Kind {
	return Kind{Name: "defaultEnvironments", noun: "default environment", Gone: "release", check: checkDefaults, Fields: []Field{
		{Path: "environment", Type: String, To: "environments#id"},
		{Path: "organization", Type: String, Declared: true},
	}}
}

// DefaultOf is the organization whose default environment an object states; "" is the
// deployment.
func DefaultOf(name string, o Object) string {
	if stated := o.Fields["organization"].Str(); stated != "" {
		return stated
	}
	if name == DeploymentDefault {
		return ""
	}
	return name
}

// checkDefaults finds two that are of one, and defaults that nobody could use.
func checkDefaults(c *checker) {
	of := map[string]Address{}
	for a, o := range c.of("defaultEnvironments") {
		who := DefaultOf(a.Name, o)
		if first, taken := of[who]; taken {
			c.add("DC123", Error, a, InOrder(append(o.Positions("organization"), c.Objects[first].Positions("")...)), "keep one of them",
				"is the default environment of %s, and so is %s", whose(who), first)
		} else {
			of[who] = a
		}
		c.usable(a, o, who)
	}
}

// usable looks at the environment that is a default, as far as the files speak of it.
func (c *checker) usable(a Address, o Object, who string) {
	v := o.Fields["environment"]
	to, _, refers := v.Target()
	env := c.Objects[to]
	at := append(o.Positions("environment"), env.Positions("archived")...)
	switch visibility := env.Fields["visibility"].Str(); {
	case v.Is == Unset && who == "":
		c.add("DC124", Error, a, o.Positions("environment"), "name another environment, or leave the entry out", "the deployment always has a default environment")
	case !refers:
	case env.Fields["archived"].Bool():
		c.add("DC124", Error, a, at, "name another environment", "%s is archived, and nobody could choose it", to)
	case who == "" && (visibility == "private" || visibility == "organization"):
		c.add("DC124", Warning, a, append(o.Positions("environment"), env.Positions("visibility")...), "make it global, or name another one",
			"the visibility of %s is %s: others than its owner could not use it", to, visibility)
	}
}

func whose(organization string) string {
	if organization == "" {
		return "the deployment"
	}
	return "organization " + organization
}
