package world

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

// shrinks refuses to have groups end nodes while a live run is on one: AWS chooses which
// go. hi and to are the maximum and the desired capacity that are written, nil where they
// are not. Without a cluster nobody tells, and the plan has said so. A run on a node that
// Kubernetes does not list could be on any of them.
func (w *World) shrinks(ctx context.Context, groups []string, desired int64, hi, to *int64) error {
	least := desired
	if to != nil {
		least = *to
	}
	if hi != nil {
		least = min(least, *hi)
	}
	if least >= desired || w.Nodes == nil {
		return nil
	}
	if len(groups) == 0 {
		return &applier.Refusal{Err: errors.New("DC846: nobody tells which instances are of the group, so that a live run could be on one that AWS ends; look again once EKS names its Auto Scaling groups")}
	}
	instances, err := w.Outside.DescribeAutoScalingInstances(ctx, groups)
	if err != nil {
		return errors.Join(port.ErrUnsent, err)
	}
	nodes, err := w.Nodes.ListNodes(ctx)
	if err != nil {
		return errors.Join(port.ErrUnsent, err)
	}
	pods, err := w.Nodes.ListPods(ctx, "")
	if err != nil {
		return errors.Join(port.ErrUnsent, err)
	}
	others := map[string]bool{} // nodes that are of no instance of the groups
	for _, n := range nodes {
		others[n.Name] = !n.Nameless() && !slices.ContainsFunc(instances, func(i port.GroupInstance) bool { return i.ID == n.Instance })
	}
	for _, p := range pods {
		if p.Node != "" && p.OfRun() && !p.Ended() && !others[p.Node] {
			return &applier.Refusal{Err: fmt.Errorf("DC846: %s would go, of AWS's choosing, and pod %s/%s of a live run is on %s; wait until no run is on the group's nodes, then go on", planner.Plural(int(desired-least), "node"), planner.Printable(p.Namespace), planner.Printable(p.Name), planner.Printable(p.Node))}
		}
	}
	return nil
}
