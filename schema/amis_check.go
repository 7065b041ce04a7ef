package schema

import (
	"encoding/json"
	"fmt"
)

// checkAMIs looks at how an image is come by, and at the names within bake and
// rollout.
func checkAMIs(c *checker) {
	for a, o := range c.of("amis") {
		c.oneOf(a, o, true, "pin", "find", "ssm", "bake", "from")
		c.policyReferences(a, o)
		c.spread(a, o)
		c.hostKeys(a, o)
		if fault := BakedNameFault(c.Deployment.Name, a.Name); fault != "" && o.Fields["bake"].Is == Known {
			c.add("DC109", Error, a, o.Positions(""), "give it another name", "the name %s %s", quoted(a.Name), fault)
		}
	}
}

// policyReferences checks the names inside bake and rollout, which are compared
// whole.
func (c *checker) policyReferences(a Address, o Object) {
	var bake struct {
		From  struct{ Pool, AMI string }
		Cache struct {
			BaseImages   []string
			Environments map[string]any
		}
	}
	var waves []struct {
		Tiers, Pools []string
		Window       string
	}
	_ = json.Unmarshal([]byte(o.Fields["bake"].Text), &bake)
	_ = json.Unmarshal([]byte(o.Fields["rollout"].Text), &waves)
	all := func(path, kind string, names ...string) {
		for _, name := range names {
			if name != "" {
				c.declared(a, o.Positions(SplitPath(path)[0]), path, Address{Kind: kind, Name: name})
			}
		}
	}
	all("bake.from.pool", "nodePools", bake.From.Pool)
	all("bake.from.ami", "amis", bake.From.AMI)
	all("bake.cache.baseImages", "baseImages", bake.Cache.BaseImages...)
	all("bake.cache.environments", "environments", Sorted(bake.Cache.Environments)...)
	for i, w := range waves {
		step := fmt.Sprintf("rollout.%d.", i)
		all(step+"tiers", "hardwareTiers", w.Tiers...)
		all(step+"pools", "nodePools", w.Pools...)
		if _, ok := c.Deployment.Windows[w.Window]; w.Window != "" && !ok && !c.broken[Address{}] {
			c.add("DC101", Error, a, o.Positions("rollout"), windowHint(w.Window, c.Deployment.Windows),
				"%swindow names window %q, which the deployment does not have", step, w.Window)
		}
	}
}
