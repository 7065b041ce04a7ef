package world

import (
	"slices"
	"strings"

	"domctl.dev/planner"
)

// waitsFor says what a machine waits for; others are pods on it that no run has.
func (v *View) waitsFor(n CensusNode, nodes bool, others int) []string {
	waits := []string{}
	switch {
	case n.Node == "" && n.State == "running" && nodes:
		waits = append(waits, "to join the cluster")
	case n.State == "asked for":
		waits = append(waits, "Karpenter to start it")
	case n.State == "shutting-down" || n.State == "ending":
		waits = append(waits, "its end")
	case n.State == "not ready":
		waits = append(waits, "to be ready")
	case n.State == "cordoned" && n.By != "":
		waits = append(waits, n.emptied(others, "its end, by "+n.By))
	case n.State == "cordoned":
		waits = append(waits, n.emptied(others, "who cordoned it"))
	}
	if !slices.Contains([]string{"cordoned", "shutting-down", "ending", "stopping"}, n.State) && n.Current != nil && !*n.Current {
		images, _ := v.startsFrom(n.Address)
		waits = append(waits, "a roll to "+strings.Join(images, ", "))
	}
	return waits
}

// emptied is what a machine that takes no more runs waits for until it is empty; others are
// pods on it that no run has, then is what it waits for when it is.
func (n CensusNode) emptied(others int, then string) string {
	switch {
	case n.Runs == nil:
		return "runs that nobody tells of"
	case len(n.Runs) > 0:
		return "the end of " + planner.Plural(len(n.Runs), "run")
	case others > 0:
		return "the end of " + planner.Plural(others, "pod")
	}
	return then
}
