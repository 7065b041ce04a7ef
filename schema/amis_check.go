package schema

import (
	"encoding/json"
	"strconv"
)

// checkAMIs looks at how an image is come by, where it goes, and at the names within
// bake.
func checkAMIs(c *checker) {
	for a, o := range c.of("amis") {
		c.oneOf(a, o, true, "pin", "find", "ssm", "bake", "from")
		c.checkBake(a, o)
		c.bakeReferences(a, o)
		c.rollout(a, o)
		c.spread(a, o)
		c.hostKeys(a, o)
		if fault := BakedNameFault(c.Deployment.Name, a.Name); fault != "" && o.Fields["bake"].Is == Known {
			c.add("DC109", Error, a, o.Positions(""), "give it another name", "the name %s %s", quoted(a.Name), fault)
		}
	}
}

// bakeReferences checks the names inside bake, which is compared whole.
func (c *checker) bakeReferences(a Address, o Object) {
	var bake struct {
		From  struct{ Pool, AMI string }
		Cache struct {
			BaseImages   []string
			Environments map[string]any
		}
	}
	_ = json.Unmarshal([]byte(o.Fields["bake"].Text), &bake)
	all := func(path, kind string, names ...string) {
		for i, name := range names {
			if name != "" {
				c.declared(a, o.part(path, i, name), path, Address{Kind: kind, Name: name})
			}
		}
	}
	all("bake.from.pool", "nodePools", bake.From.Pool)
	all("bake.from.ami", "amis", bake.From.AMI)
	all("bake.cache.baseImages", "baseImages", bake.Cache.BaseImages...)
	all("bake.cache.environments", "environments", Sorted(bake.Cache.Environments)...)
}

// part are the positions of one of the names at a path: an element of a list, a key
// of a map, or the only one.
func (o Object) part(path string, i int, name string) []Position {
	for _, last := range []string{strconv.Itoa(i), name} {
		if at := o.At[JoinPath(append(SplitPath(path), last)...)]; len(at) > 0 {
			return at
		}
	}
	return o.Nearest(path)
}
