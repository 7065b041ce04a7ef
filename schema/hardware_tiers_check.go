package schema

import (
	"fmt"
	"slices"
)

// checkTiers looks at tiers beside each other, and at whether they fit their
// pools.
func checkTiers(c *checker) {
	c.defaultTier()
	c.limits()
	c.fit()
	for a, o := range c.of("hardwareTiers") {
		c.executorRoll(a, o)
	}
}

func (c *checker) defaultTier() {
	var defaults []Address
	var at []Position
	tiers, broken := 0, c.broken[Address{}]
	for a, o := range c.of("hardwareTiers") {
		tiers, broken = tiers+1, broken || c.broken[a]
		if o.Fields["isDefault"].Bool() && !o.Fields["archived"].Bool() {
			defaults, at = append(defaults, a), append(at, o.Positions("isDefault")...)
		}
	}
	switch {
	case tiers == 0 || broken || len(defaults) == 1:
	case len(defaults) == 0:
		c.add("DC103", Warning, Address{}, c.Deployment.At, "state isDefault: true on the tier of executions that chose none",
			"no hardware tier is the default one")
	default:
		names := make([]string, len(defaults))
		for i, a := range defaults {
			names[i] = a.Name
		}
		c.add("DC103", Warning, defaults[0], at, "state isDefault: true on one of them",
			"%d hardware tiers are the default one: %s", len(defaults), Listed(names, "and"))
	}
}

// limits compares a request with its limit where both are stated. What merges
// with live values is judged by the plan.
func (c *checker) limits() {
	for a, o := range c.of("hardwareTiers") {
		for _, p := range []string{"cores", "memory"} {
			request, limit := o.Fields[p], o.Fields[p+"Limit"]
			if request.Is == Known && limit.Is == Known && request != limit {
				c.add("DC104", Warning, a, slices.Concat(o.Positions(p), o.Positions(p+"Limit")), "state "+p+"Limit equal to "+p,
					"%s is %s and %sLimit is %s", p, request.Display(), p, limit.Display())
			}
		}
	}
}

// fit judges tiers by the embedded table of instance types.
func (c *checker) fit() {
	for a, o := range c.of("hardwareTiers") {
		target, _, ok := o.Fields["nodePool"].Target()
		pool, declared := c.Objects[target]
		if !ok || !declared {
			continue
		}
		rooms, _ := Rooms(pool.Fields, InstanceTypes())
		if kind, left, most := Unused(o.Fields, pool.Fields, rooms); kind != "" {
			f := UnusedFinding(a, left, kind, target.Name, most, slices.Concat(o.Positions("cores"), o.Positions("memory"), pool.Positions("expect.maxUnused")))
			c.add(f.Code, f.Severity, a, f.Positions, f.Hint, "%s", f.Message)
		}
		for _, s := range Fit(o.Fields, pool.Fields, rooms) {
			severity := Error
			if s.Soft {
				severity = Warning
			}
			c.add("DC105", severity, a, slices.Concat(o.Positions(s.Path), pool.Positions("expect.instanceTypes")),
				fmt.Sprintf("lower %s, or move the tier to a larger pool", s.Path),
				"%s is %s, a %s in node pool %q has %s after overhead (instance types of %s, %s)",
				s.Path, s.Want, s.InstanceType, target.Name, s.Have, InstanceTypesSource, InstanceTypesDate)
		}
	}
}
