package schema

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// checkPools looks at each pool's groups, sizes and label.
func checkPools(c *checker) {
	groups := map[string]Address{}
	for a, o := range c.of("nodePools") {
		c.poolLabel(a, o)
		c.poolImage(a, o)
		c.groups(a, o, groups)
		c.static(a, o)
		c.karpenter(a, o)
		c.roll(a, o)
		c.terraform(a, o)
		c.nodeLabels(a, o)
	}
	c.sizes()
	c.instanceTypes()
}

// poolLabel checks what tiers and nodes name the pool by: the stated label, else
// the object's name. Groups can be tagged with anything, so a label that no node
// can carry may live: it is no error.
func (c *checker) poolLabel(a Address, o Object) {
	label := o.Fields["label"].Str()
	if fault := LabelFault(label); fault != "" && NameFault(a.Name) == "" {
		c.add("DC109", Warning, a, o.Positions("label"), "state the label that the nodes carry", "label %s %s", quoted(label), fault)
	}
}

// static pools have no groups, so that what would be written to them is refused.
func (c *checker) static(a Address, o Object) {
	if len(o.Groups()) > 0 {
		return
	}
	for _, p := range append(slices.Clone(spread), "roll") {
		if at := o.Positions(p); o.Fields[p].Is != Absent || o.At[p] != nil {
			c.add("DC853", Error, a, at, "state the groups, or leave "+p+" out", "states %s and no groups: a static pool is reckoned with, and no more", p)
		}
	}
}

// poolImage looks at one group, since a pool's image stands on each of them.
func (c *checker) poolImage(a Address, o Object) {
	for _, p := range Sorted(o.Fields) {
		if target, _, ok := o.Fields[p].Target(); ok && strings.HasSuffix(p, ".ami") {
			c.declared(a, o.Positions(p), "ami", target)
			return
		}
	}
}

// sizes compares the sizes that a pool states for each of its groups. Against
// what lives they are judged by the plan.
func (c *checker) sizes() {
	for a, o := range c.of("nodePools") {
		groups := slices.DeleteFunc(o.Groups(), func(g Group) bool { return g.Karpenter != "" })
		if len(groups) == 0 {
			continue
		}
		at := JoinPath("groups", groups[0].Key()) + ".size."
		for _, pair := range [][2]string{{"min", "max"}, {"min", "desired"}, {"desired", "max"}} {
			low, stated := o.Fields[at+pair[0]].Float()
			high, both := o.Fields[at+pair[1]].Float()
			if stated && both && low > high {
				c.add("DC212", Error, a, slices.Concat(o.Positions(at+pair[0]), o.Positions(at+pair[1])), "state sizes with min ≤ desired ≤ max",
					"size.%s is %v and size.%s is %v", pair[0], low, pair[1], high)
			}
		}
	}
}

// instanceTypes says which expected types the embedded table does not hold: with
// one of them, whether a tier fits is left to the plan, which asks EC2.
func (c *checker) instanceTypes() {
	for a, o := range c.of("nodePools") {
		for _, t := range o.Fields["expect.instanceTypes"].Strings() {
			if _, ok := InstanceTypes()[t]; !ok {
				c.add("DC112", Info, a, o.Positions("expect.instanceTypes"), DidYouMean(t, Sorted(InstanceTypes())),
					"instance type %s is not known here (instance types of %s, %s), so whether tiers fit is not checked", quoted(t), InstanceTypesSource, InstanceTypesDate)
			}
		}
	}
}

// groups checks the members of a pool: each an ASG or a managed node group, and
// none of them twice.
func (c *checker) groups(a Address, o Object, seen map[string]Address) {
	var groups []Group
	_ = json.Unmarshal([]byte(o.Fields["groups"].Text), &groups)
	at := o.Positions("groups")
	for i, g := range groups {
		if other := g.VMSS + g.MIG; other != "" {
			c.add("DC854", Error, a, at, "leave it out of groups: the pool is then reckoned with, and no more",
				"groups.%d: %s is of another cloud, and domctl switches, sizes and rolls nodes of AWS alone", i, quoted(other))
			continue
		}
		if count(g.ASG != "", g.NodeGroup != "", g.Karpenter != "") != 1 {
			c.add("DC108", Error, a, at, "", "groups.%d: state one of asg, nodegroup and karpenter", i)
			continue
		}
		name := g.named()
		other, ok := seen[name]
		if ok && other == a {
			c.add("DC106", Error, a, at, "state it once", "%s is stated twice", name)
			continue
		}
		if ok {
			c.add("DC106", Error, a, InOrder(append(at[:len(at):len(at)], c.Objects[other].Positions("groups")...)),
				"a group belongs to one pool", "%s is claimed by %s", name, claimants([]Address{other, a}))
			continue
		}
		seen[name] = a
	}
}

func count(all ...bool) (n int) {
	for _, is := range all {
		if is {
			n++
		}
	}
	return n
}

// named is how messages call a group.
func (g Group) named() string {
	switch {
	case g.Karpenter != "":
		return "NodePool " + g.Karpenter
	case g.NodeGroup != "" && g.Cluster != "":
		return fmt.Sprintf("node group %s of cluster %s", g.NodeGroup, g.Cluster)
	case g.NodeGroup != "":
		return "node group " + g.NodeGroup
	}
	return "Auto Scaling group " + g.ASG
}
