package schema

import "slices"

// roll checks that a roll can begin, and end.
func (c *checker) roll(a Address, o Object) {
	r, stated := o.Roll()
	if !stated {
		return
	}
	wrong := func(path, hint, format string, args ...any) {
		c.add("DC840", Error, a, o.Nearest(path), hint, format, args...)
	}
	if r.Strategy == Surge && r.Most() == 0 {
		wrong("roll.maxSurge", "state 1 or more, or strategy: \"onDemand\"", "roll.maxSurge is 0, so that no replacement could be started first")
	}
	if r.Strategy == OnDemand && r.Most() > 0 {
		wrong("roll.maxSurge", "leave it out, or state strategy: \"surge\"", "roll.maxSurge is %d, and onDemand starts no replacement first", r.Most())
	}
	if r.Strategy != Surge && r.Unavailable() == 0 && r.Most() == 0 {
		wrong("roll.maxUnavailable", "state 1 or more", "roll.maxUnavailable is 0, so that no node could be taken")
	}
	if r.Force && r.DrainTimeout == "" {
		wrong("roll.force", "state drainTimeout, after which a node goes with its runs", "roll.force needs a time to be over, and roll.drainTimeout is not stated")
	}
	if !c.broken[Address{}] && !c.Deployment.Kubernetes.ReadsNodes() {
		c.add("DC830", Error, a, o.Nearest("roll"), "state deployment: kubernetes: nodes: true, or leave roll out", "roll ends nodes that no run is on, and the files do not say that nodes are read")
	}
	if owner := o.Fields["owner.ami"].Str(); owner != "" && owner != "domctl" {
		c.add("DC840", Warning, a, slices.Concat(o.Nearest("roll"), o.Positions("owner.ami")), "leave roll out",
			"owner.ami is %s, so that domctl switches no image here and rolls nothing", quoted(owner))
	}
	if _, ok := c.Deployment.Windows[r.Window]; r.Window != "" && !ok && !c.broken[Address{}] {
		c.add("DC101", Error, a, o.Nearest("roll.window"), windowHint(r.Window, c.Deployment.Windows),
			"roll.window names window %q, which the deployment does not have", r.Window)
	}
}
