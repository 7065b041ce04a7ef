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
	if r.Strategy == "" {
		wrong("roll", `state strategy: "surge", "onDemand" or "instanceRefresh"`, "roll.strategy is not stated")
	}
	if r.Strategy == Surge && r.Most() == 0 {
		wrong("roll.maxSurge", "state 1 or more, or strategy: \"onDemand\"", "roll.maxSurge is 0, so that no replacement could be started first")
	}
	if r.Strategy == OnDemand && r.Most() > 0 {
		wrong("roll.maxSurge", "leave it out, or state strategy: \"surge\"", "roll.maxSurge is %d, and onDemand starts no replacement first", r.Most())
	}
	if r.Strategy != "" && r.Strategy != Surge && r.Unavailable() == 0 && r.Most() == 0 {
		wrong("roll.maxUnavailable", "state 1 or more", "roll.maxUnavailable is 0, so that no node could be taken")
	}
	c.rollTimes(a, o, r)
	if !c.broken[Address{}] && !c.Deployment.Kubernetes.ReadsNodes() {
		c.add("DC830", Error, a, o.Nearest("roll"), "state deployment: kubernetes: nodes: true, or leave roll out", "roll ends nodes that no run is on, and the files do not say that nodes are read")
	}
	owner := o.Owner("ami")
	if groups := o.Groups(); len(groups) > 0 && o.Fields["groups."+JoinPath(groups[0].Key())+".ami"].Is == Absent && owner == "domctl" {
		c.add("DC840", Warning, a, o.Nearest("roll"), "state ami, an entry of amis or an id, or leave roll out",
			"roll replaces nodes that are on another image than ami says, and the pool states no ami: no node is ever rolled")
	}
	if owner != "domctl" {
		c.add("DC840", Warning, a, slices.Concat(o.Nearest("roll"), o.Positions("owner.ami")), "leave roll out",
			"owner.ami is %s, so that domctl switches no image here and rolls nothing", quoted(owner))
	}
}

// rollTimes checks when a roll begins, and how long it waits.
func (c *checker) rollTimes(a Address, o Object, r Roll) {
	if r.Force && r.DrainTimeout == "" {
		c.add("DC840", Error, a, o.Nearest("roll.force"), "state drainTimeout, after which a node goes with its runs", "roll.force needs a time to be over, and roll.drainTimeout is not stated")
	}
	if d, err := ParseDuration(r.DrainTimeout); err == nil && d == 0 {
		c.add("DC840", Error, a, o.Nearest("roll.drainTimeout"), "state how long a cordoned node may take to get empty, or leave it out: however long its runs take", "roll.drainTimeout is no time at all")
	}
	if _, ok := c.Deployment.Windows[r.Window]; r.Window != "" && !ok && !c.broken[Address{}] {
		c.add("DC101", Error, a, o.Nearest("roll.window"), windowHint(r.Window, c.Deployment.Windows),
			"roll.window names window %q, which the deployment does not have", r.Window)
	}
}

// executorRoll checks that the executors of a classic tier can be rolled.
func (c *checker) executorRoll(a Address, o Object) {
	r, stated := o.Roll()
	if !stated || c.broken[Address{}] {
		return
	}
	wrong := func(path, hint, format string, args ...any) {
		c.add("DC860", Error, a, o.Nearest(path), hint, format, args...)
	}
	d := c.Deployment
	if d.Executors != "classic" {
		wrong("roll", "state roll on the node pool that the tier names", "a tier has executors of its own only in a deployment with executors: \"classic\"")
		return
	}
	if r.Strategy == "" {
		wrong("roll", `state strategy: "onDemand"`, "roll.strategy is not stated")
	} else if r.Strategy != OnDemand {
		wrong("roll.strategy", "state strategy: \"onDemand\"", "roll.strategy is %s, and Domino starts executors when runs ask for them: none can be started first", quoted(r.Strategy))
	}
	if r.Most() > 0 && r.Strategy == OnDemand {
		wrong("roll.maxSurge", "leave it out", "roll.maxSurge is %d, and no executor can be started first", r.Most())
	}
	if r.Strategy == OnDemand && r.Unavailable() == 0 {
		wrong("roll.maxUnavailable", "state 1 or more", "roll.maxUnavailable is 0, so that no executor could be taken")
	}
	if o.Fields["ami"].Is == Absent {
		wrong("roll", "state ami, or leave roll out", "roll replaces executors once their image was switched, and the tier states no ami")
	}
	if len(d.Instances.Tags) == 0 {
		wrong("roll", "state deployment: executorInstances: tags", "roll ends instances, and the files do not say which instances are executors")
	}
	if d.Domino.URL == "" && d.Mongo.Mapping.ExecutorGroups.Fields["runs"] == "" {
		c.add("DC865", Error, a, o.Nearest("roll"), "state deployment.domino, or deployment.mongo.mapping.executorGroups.fields.runs; or leave roll out",
			"roll ends executors that no run is on, and nobody tells which runs are on which")
	}
	if r.DrainTimeout != "" && !d.Mongo.Mapping.Executors.Maintained() {
		wrong("roll.drainTimeout", "state deployment.mongo.mapping.executors with fields.maintenance, or leave it out",
			"roll.drainTimeout counts from when domctl puts an executor into maintenance, and nothing says where that stands")
	}
	c.rollTimes(a, o, r)
}
