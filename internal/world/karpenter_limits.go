package world

import "domctl.dev/schema"

// limited is what the nodes of a NodePool may have together: as stated where domctl writes
// it, else as it lives; 0 is no limit.
func (c *CapacityView) limited(a schema.Address, g schema.Group) (l PoolLimits) {
	o, at := c.desired.Objects[a], "groups."+schema.JoinPath(g.Key())+".limits."
	of := func(name string) schema.Value {
		if v, stated := o.Fields[at+name]; stated && o.Owner("size") == "domctl" {
			return v
		}
		return c.Objects[a].Fields[at+name]
	}
	l.Cores, _ = of("cores").Float()
	l.Memory, _ = schema.ParseBytes(of("memory").Str())
	return l
}

// limitsOf adds up the limits of a pool's Karpenter groups.
func (c *CapacityView) limitsOf(a schema.Address) *PoolLimits {
	var total *PoolLimits
	for _, g := range c.desired.Objects[a].Groups() {
		if g.Karpenter == "" {
			continue
		}
		l := c.limited(a, g)
		if total == nil {
			total = &l
			continue
		}
		total.Cores, total.Memory = together(total.Cores, l.Cores), together(total.Memory, l.Memory)
	}
	return total
}

// mostOf is how many nodes a NodePool's limits allow, at least: of the kind of node of which
// there can be fewest. -1: any number, or nobody knows what a node of it has.
func (c *CapacityView) mostOf(a schema.Address, g schema.Group) int64 {
	l, types, most := c.limited(a, g), c.instanceTypesOf(c.raw[c.world.groupRefOf(g)]), int64(-1)
	for _, t := range types {
		is, known := c.known[t]
		if !known || l.Cores == 0 && l.Memory == 0 || is.Cores == 0 || is.Memory == 0 {
			return -1
		}
		n := int64(-1)
		if l.Cores > 0 {
			n = int64(l.Cores / is.Cores)
		}
		if l.Memory > 0 && (n < 0 || l.Memory/is.Memory < n) {
			n = l.Memory / is.Memory
		}
		if most < 0 || n < most {
			most = n
		}
	}
	return most
}

// together adds limits up; without one of them there is none.
func together[N int64 | float64](a, b N) N {
	if a == 0 || b == 0 {
		return 0
	}
	return a + b
}
