package world

import (
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// explainMaximum says of a run that no group of its pool starts another node: those of
// AWS are at their maximum together, each of Karpenter's at its limits.
func (q queueing) explainMaximum(r *Waiting, p PoolCapacity) {
	now, most, groups, full := int64(0), int64(0), 0, []string{}
	for _, g := range q.desired.Objects[p.Address].Groups() {
		raw := q.raw[q.world.groupRefOf(g)]
		if g.Karpenter != "" {
			why := q.atLimits(g.Karpenter, raw)
			if why == "" {
				return
			}
			full = append(full, why)
			continue
		}
		desired, there := raw["desired"].Float()
		maximum, both := raw["max"].Float()
		if !there || !both {
			return
		}
		now, most, groups = now+int64(desired), most+int64(maximum), groups+1
	}
	if groups > 0 && now < most {
		return
	}
	if groups > 0 {
		r.say("pool", fromCapacity, "pool %s has %d of the %s that it may have", p.Label, now, planner.Plural(int(most), "node"))
	}
	for _, why := range full {
		r.say("pool", fromScheduler, "%s", why)
	}
}

// atLimits says that a NodePool starts no further node, since what its nodes have with what
// the least of them would add is more than its limits; "" where one may come, or nobody can
// tell. https://karpenter.sh/docs/concepts/nodepools/#speclimits
func (q queueing) atLimits(name string, raw planner.Raw) string {
	cores, limited := raw["cores"].Float()
	memory, bounded := schema.ParseBytes(raw["memory"].Str())
	if q.why != nil || !limited && bounded != nil {
		return ""
	}
	var has port.Resources
	for _, n := range q.nodes {
		if n.Labels[port.NodePoolLabel] == name {
			has.MilliCPU, has.Memory = has.MilliCPU+n.Capacity.MilliCPU, has.Memory+n.Capacity.Memory
		}
	}
	most := port.Resources{MilliCPU: int64(cores * 1000), Memory: memory}
	over := func(add port.Resources) (resource string, of, may int64) {
		switch {
		case limited && has.MilliCPU+add.MilliCPU > most.MilliCPU:
			return "cores", has.MilliCPU, most.MilliCPU
		case bounded == nil && has.Memory+add.Memory > most.Memory:
			return "memory", has.Memory, most.Memory
		}
		return "", 0, 0
	}
	least := port.Resources{MilliCPU: 1, Memory: 1} // of a node of which nobody knows more
	for i, t := range q.instanceTypesOf(raw) {
		is, known := q.known[t]
		if !known {
			least = port.Resources{MilliCPU: 1, Memory: 1}
			break
		}
		of := port.Resources{MilliCPU: int64(is.Cores * 1000), Memory: is.Memory}
		if resource, _, _ := over(of); resource == "" {
			return ""
		}
		if i == 0 || of.MilliCPU < least.MilliCPU {
			least = of
		}
	}
	resource, of, may := over(least)
	if resource == "" {
		return ""
	}
	text := func(n int64) string { return schema.Remainder{Resource: resource, Left: n}.Text() }
	says := " starts no further node: its nodes have "
	if of >= may {
		says = " is at its limits: its nodes have "
	}
	return "NodePool " + name + says + text(of) + " of the " + text(may) + " that they may have together"
}
