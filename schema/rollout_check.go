package schema

import (
	"fmt"
)

// rollout checks that each wave holds back somebody: it names tiers or pools, which
// start from this image, and which no wave before it names. A wave that does not
// would let the next ones through.
func (c *checker) rollout(a Address, o Object) {
	seen := map[Address]int{}
	for n, w := range o.Rollout() {
		at := fmt.Sprintf("rollout.%d", n)
		members := w.Members()
		if len(members) == 0 {
			c.add("DC132", Error, a, o.Nearest(at), "name its tiers or pools, or take it out; what no wave names comes last",
				"wave %d of rollout names nobody, so that it holds nothing back", n+1)
		}
		for i, m := range members {
			path, index := at+".tiers", i
			if i >= len(w.Tiers) {
				path, index = at+".pools", i-len(w.Tiers)
			}
			positions := o.part(path, index, m.Name)
			if before, twice := seen[m]; twice {
				c.add("DC132", Error, a, positions, "leave it in one of them", "%s is in wave %d and in wave %d of rollout", m, before+1, n+1)
				continue
			}
			seen[m] = n
			c.member(a, m, path, positions)
		}
		if w.Probe != nil {
			c.probe(a, o, w, n)
		}
		if _, ok := c.Deployment.Windows[w.Window]; w.Window != "" && !ok && !c.broken[Address{}] {
			c.add("DC101", Error, a, o.Nearest(at+".window"), windowHint(w.Window, c.Deployment.Windows),
				"%s.window names window %q, which the deployment does not have", at, w.Window)
		}
	}
}

// probe checks that a wave's proof can be given: an image stands on a tier in a classic
// deployment alone.
func (c *checker) probe(a Address, o Object, w Wave, n int) {
	at := fmt.Sprintf("rollout.%d.probe", n)
	c.declared(a, o.Nearest(at+".environment"), at+".environment", Address{Kind: "environments", Name: w.Probe.Environment})
	switch {
	case c.broken[Address{}]:
	case c.Deployment.Executors != "classic":
		c.add("DC390", Error, a, o.Nearest(at), "leave it out; a first wave of a canary pool, and approvals of the next, go before the others",
			"%s needs a tier with an image of its own, and this deployment's executors are not classic", at)
	case len(w.Tiers) == 0:
		c.add("DC390", Error, a, o.Nearest(at), "name a tier in the wave", "%s has no tier in its wave that it could be a copy of", at)
	case c.Deployment.Backends.HardwareTiers == API:
		c.add("DC390", Error, a, o.Nearest(at), "leave it out, or take tiers from Domino's database: deployment: backends: hardwareTiers: \"mongo\"",
			"%s makes a tier and its executor group in Domino's database, and deployment.backends has tiers from the API", at)
	case c.Deployment.Domino.URL == "":
		c.add("DC390", Error, a, o.Nearest(at), "state deployment: domino: {url: …, apiKey: …}", "%s starts a run over Domino's API, and the files do not say how to reach it", at)
	}
}

// member checks that what a wave names gets its image from the entry.
func (c *checker) member(a, m Address, path string, at []Position) {
	c.declared(a, at, path, m)
	o, stated := c.Objects[m]
	if !stated || c.broken[m] || len(o.UsesOf(a)) > 0 {
		return
	}
	hint := "state ami: " + ShellWord(a.Name) + " there, or take it out of the wave"
	if pool, _, _ := o.Fields["nodePool"].Target(); m.Kind == "hardwareTiers" && len(c.Objects[pool].UsesOf(a)) > 0 {
		hint = "its image stands on its pool: pools: [" + quoted(pool.Name) + "]"
	}
	c.add("DC132", Error, a, at, hint, "%s names %s, which does not start from %s, so that the wave does not wait for it", path, m, a)
}
