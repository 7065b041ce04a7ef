package main

import (
	"context"
	"fmt"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// reach is what doctor looks at beside the outside itself.
func (d *deployment) reach(w *wiring) (all []engine.Reach) {
	all = w.way.look
	if w.nodes == nil {
		return all
	}
	const do = "look at the message, and at deployment.kubernetes; run again once it is mended"
	all = append(all, engine.Reach{Name: "Kubernetes nodes", Do: do, Try: func(ctx context.Context) (string, error) { return seen(ctx, w.nodes) }})
	asked, live := w.nodes.(interface {
		May(ctx context.Context, verb, resource string) error
	})
	karpenter := schema.OnKarpenter(d.compiled.Desired)
	if karpenter {
		all = append(all, engine.Reach{Name: "Karpenter", Do: do, Try: func(ctx context.Context) (string, error) { return started(ctx, w.nodes) }})
	}
	if !live {
		return all
	}
	var writes [][2]string
	if schema.Rolls(d.compiled.Desired) {
		writes = append(writes, [2]string{"patch", "nodes"}, [2]string{"create", "pods/eviction"})
	}
	if karpenter {
		writes = append(writes, [2]string{"patch", port.PoolsResource}, [2]string{"patch", port.ClassesResource}, [2]string{"delete", port.ClaimsResource})
	}
	for _, may := range writes {
		all = append(all, engine.Reach{Name: "Kubernetes " + may[0] + " " + may[1] + " (apply)", Do: do, Try: func(ctx context.Context) (string, error) {
			return "allowed", asked.May(ctx, may[0], may[1])
		}})
	}
	return all
}

// seen is what nodes and pods there are.
func seen(ctx context.Context, nodes port.Nodes) (string, error) {
	all, err := nodes.ListNodes(ctx)
	if err != nil {
		return "", err
	}
	pods, err := nodes.ListPods(ctx, "")
	if err != nil {
		return "", err
	}
	ready := 0
	for _, n := range all {
		if n.Ready {
			ready++
		}
	}
	return fmt.Sprintf("%s, %d ready; %s", planner.Plural(len(all), "node"), ready, planner.Plural(len(pods), "pod")), nil
}

// started is what Karpenter has.
func started(ctx context.Context, k port.Karpenter) (string, error) {
	pools, err := k.ListNodePools(ctx)
	if err != nil {
		return "", err
	}
	classes, err := k.ListNodeClasses(ctx)
	if err != nil {
		return "", err
	}
	claims, err := k.ListNodeClaims(ctx)
	return fmt.Sprintf("NodePools: %d, EC2NodeClasses: %d, NodeClaims: %d", len(pools), len(classes), len(claims)), err
}
