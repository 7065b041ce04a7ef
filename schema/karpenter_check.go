package schema

import (
	"slices"
	"strings"
)

// karpenter checks what a pool states beside groups that are Karpenter's.
func (c *checker) karpenter(a Address, o Object) {
	groups := o.Groups()
	if len(groups) == 0 {
		return
	}
	all := !slices.ContainsFunc(groups, func(g Group) bool { return g.Karpenter == "" })
	some := slices.ContainsFunc(groups, func(g Group) bool { return g.Karpenter != "" })
	for _, p := range spread {
		if o.At[p] == nil || slices.ContainsFunc(groups, func(g Group) bool { return g.has(p) }) {
			continue
		}
		what, hint := "a NodePool of Karpenter has none: it starts nodes as they are asked for, up to its limits", "state limits, or leave it out"
		if p == "launch" {
			what, hint = "Karpenter starts nodes by an EC2NodeClass", "leave it out"
		} else if !all {
			what, hint = "no group of the pool is Karpenter's", "state size, or leave limits out"
		}
		c.add("DC873", Error, a, o.Positions(p), hint, "states %s, and %s", p, what)
	}
	if !some {
		return
	}
	for i, g := range groups {
		if g.Karpenter != "" && (LabelFault(g.Karpenter) != "" || g.Karpenter != strings.ToLower(g.Karpenter) || strings.Contains(g.Karpenter, "_")) {
			c.add("DC873", Error, a, o.Positions("groups"), "state the name that kubectl get nodepools shows", "groups.%d: %s is no name of a NodePool", i, quoted(g.Karpenter))
		}
	}
	if !c.broken[Address{}] && !c.Deployment.Kubernetes.ReadsNodes() {
		c.add("DC872", Error, a, o.Positions("groups"), "state deployment: kubernetes: nodes: true", "has groups of Karpenter, which are read from Kubernetes, and the files do not say that it is asked")
	}
	if r, stated := o.Roll(); stated && r.Strategy != OnDemand {
		c.add("DC873", Error, a, o.Nearest("roll.strategy"), `state strategy: "onDemand"; put groups that are rolled otherwise into a pool of their own`,
			"roll.strategy is %s, and Karpenter starts replacements when they are asked for, and not before", quoted(r.Strategy))
	}
}
