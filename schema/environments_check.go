package schema

import (
	"slices"
	"strings"
)

// checkEnvironments looks at what environments are built on.
func checkEnvironments(c *checker) {
	for a, o := range c.of("environments") {
		c.activeOf(a, o)
		c.arguments(a, o)
		c.image(a, o, "base.uri")
		c.oneOf(a, o, false, "base.image", "base.environment", "base.uri", "base.default")
		if v := o.Fields["base.revision"]; v.Is == Known && o.Fields["base.environment"].Is != Ref {
			c.add("DC108", Error, a, o.Positions("base.revision"), "state base.environment too",
				"base.revision is stated without base.environment")
		}
	}
	c.baseCycles()
	c.sameNames()
}

// sameNames finds environments that nobody could tell apart in Domino. One that states
// its id is told by that.
func (c *checker) sameNames() {
	first := map[[2]string]Address{}
	for a, o := range c.of("environments") {
		name := o.Fields["name"]
		if name.Is != Known || o.Fields["id"].Is == Known {
			continue
		}
		key := [2]string{name.Text, o.Fields["owner"].Text}
		if other, taken := first[key]; taken {
			c.add("DC118", Error, a, slices.Concat(o.Positions("name"), c.Objects[other].Positions("name")), "give one of them another name",
				"has the name and owner of %s", other)
			continue
		}
		first[key] = a
	}
}

// activeOf refuses an active revision beside what a revision is built from: each build
// would make another one active.
func (c *checker) activeOf(a Address, o Object) {
	if o.Fields["activeRevision"].Is != Known {
		return
	}
	for _, p := range Sorted(o.Fields) {
		if BuildsRevision(p) {
			c.add("DC117", Error, a, slices.Concat(o.Positions("activeRevision"), o.Positions(p)), "leave activeRevision out: what is built becomes active",
				"states activeRevision beside %s, which a revision is built from", p)
			return
		}
	}
}

// baseCycles finds environments that are built on themselves.
func (c *checker) baseCycles() {
	done := map[Address]bool{}
	for start := range c.of("environments") {
		var chain []Address
		for a := start; !done[a]; {
			chain = append(chain, a)
			done[a] = true
			next, _, ok := c.Objects[a].Fields["base.environment"].Target()
			if i := slices.Index(chain, next); ok && i >= 0 {
				c.cycle(chain[i:])
			}
			if !ok {
				break
			}
			a = next
		}
	}
}

func (c *checker) cycle(chain []Address) {
	first := slices.MinFunc(chain, Address.Compare)
	var at []Position
	names := make([]string, len(chain))
	for i := range chain {
		a := chain[(slices.Index(chain, first)+i)%len(chain)]
		names[i] = a.Name
		at = append(at, c.Objects[a].Positions("base.environment")...)
	}
	c.add("DC102", Error, first, at, "give one of them another base",
		"cycle of bases: %s → %s", strings.Join(names, " → "), first.Name)
}
