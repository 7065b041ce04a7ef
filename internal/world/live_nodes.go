package world

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// LiveNodes tells which nodes a cluster has and which pods are bound to them or wait:
// the part of port.Nodes that reads.
type LiveNodes interface {
	ListNodes(ctx context.Context) ([]port.Node, error)
	ListPods(ctx context.Context, node string) ([]port.Pod, error)
}

// errNoCluster is why nobody tells which nodes live: the files state no cluster.
const errNoCluster = unstated("deployment.kubernetes.nodes is not stated")

// liveNode is a node, and the room that its daemons leave executions.
type liveNode struct {
	port.Node
	room schema.Room
}

func (n liveNode) pool() string { return n.Labels[schema.PoolLabel] }
func (n liveNode) kind() string { return n.Labels[port.TypeLabel] }

// liveNodes reads all nodes and what runs on them, in two calls, by name.
func (w *World) liveNodes(ctx context.Context) ([]liveNode, []port.Pod, error) {
	var nodes []port.Node
	var pods []port.Pod
	err := sideBySide(
		func() (err error) { nodes, err = w.Nodes.ListNodes(ctx); return err },
		func() (err error) { pods, err = w.Nodes.ListPods(ctx, ""); return err })
	if err != nil {
		return nil, nil, fmt.Errorf("nodes of the cluster: %w", err)
	}
	byNode := map[string][]port.Pod{}
	for _, p := range pods {
		byNode[p.Node] = append(byNode[p.Node], p)
	}
	out := make([]liveNode, len(nodes))
	for i, n := range nodes {
		out[i] = liveNode{n, roomOfNode(n, byNode[n.Name])}
	}
	slices.SortFunc(out, func(a, b liveNode) int { return strings.Compare(a.Name, b.Name) })
	return out, pods, nil
}

// lookLive reads the rooms of live nodes, and tells of those without a pool; one that
// cannot is told, and instance types are judged in their place. An end of ctx alone is an
// error.
func (w *World) lookLive(ctx context.Context) (lived, error) {
	nodes, _, err := w.liveNodes(ctx)
	if err != nil {
		return lived{unseen: oneLine(err), findings: []schema.Finding{{Code: "DC808", Severity: schema.Info, Message: oneLine(err) + ": whether tiers fit is judged by instance types",
			Hint: "domctl doctor says what the cluster lets domctl do"}}}, ctx.Err()
	}
	return lived{rooms: liveRooms(nodes), findings: unlabelled(nodes)}, nil
}

// roomOfNode is what a node can allocate less what its daemons ask for: those of daemon
// sets, and static pods.
// https://kubernetes.io/docs/tasks/administer-cluster/reserve-compute-resources/#node-allocatable
func roomOfNode(n port.Node, pods []port.Pod) schema.Room {
	r := schema.Room{MilliCores: n.Allocatable.MilliCPU, Memory: n.Allocatable.Memory, Pods: n.Allocatable.Pods, Other: map[string]int64{}, Whole: true}
	for name, count := range n.Allocatable.Other {
		if accelerator(name) {
			r.Other[name] = count
		}
	}
	for _, p := range pods {
		if !p.OfNode() || p.Ended() {
			continue
		}
		r.MilliCores -= p.Requests.MilliCPU
		r.Memory -= p.Requests.Memory
		r.Pods--
		for name, count := range p.Requests.Other {
			if accelerator(name) {
				r.Other[name] -= count
			}
		}
	}
	return r
}

// accelerator tells what a tier can ask for from disk, huge pages and volumes.
func accelerator(resource string) bool {
	host, _, named := strings.Cut(resource, "/")
	return named && host != "kubernetes.io" && !strings.HasPrefix(resource, "attachable-volumes-")
}

// least is the smaller of two rooms, resource by resource: what both kinds of node have.
func least(a, b schema.Room) schema.Room {
	out := schema.Room{MilliCores: min(a.MilliCores, b.MilliCores), Memory: min(a.Memory, b.Memory), Pods: min(a.Pods, b.Pods), Other: map[string]int64{}, Whole: a.Whole && b.Whole}
	for name, count := range a.Other {
		if other, both := b.Other[name]; both || b.Whole {
			out.Other[name] = min(count, other)
		}
	}
	return out
}

// liveRooms are the rooms of live nodes by the label of their pool and their instance
// type; of several nodes of one type, the least.
func liveRooms(nodes []liveNode) map[string]map[string]schema.Room {
	out := map[string]map[string]schema.Room{}
	for _, n := range nodes {
		types := out[n.pool()]
		if types == nil {
			types = map[string]schema.Room{}
			out[n.pool()] = types
		}
		if has, seen := types[n.kind()]; seen {
			types[n.kind()] = least(has, n.room)
		} else {
			types[n.kind()] = n.room
		}
	}
	return out
}
