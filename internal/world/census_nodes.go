package world

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// LookNodes reads the nodes of the cluster and the instances of the groups of declared
// pools, and what is on them.
func (w *World) LookNodes(ctx context.Context, d schema.Desired, a schema.Applied, executions port.Executions, past Past) (NodeCensus, error) {
	m, err := w.machines(ctx, d, a, executions, past)
	return m.NodeCensus, err
}

// machines is what LookNodes reads: instances are those that EC2 tells of, by id.
type machines struct {
	NodeCensus
	census    *census
	instances map[string]port.Instance
}

func (w *World) machines(ctx context.Context, d schema.Desired, a schema.Applied, executions port.Executions, past Past) (machines, error) {
	v := w.newView(d, a)
	var c *census
	var executors executorCensus
	var noExecutors error
	var claims []port.NodeClaim
	var noClaims, noPools error
	err := sideBySide(
		func() error { executors, noExecutors = w.lookExecutorCensus(ctx, d); return nil },
		func() (err error) { c, err = w.census(ctx, executions); return err },
		func() error { claims, noClaims = w.nodeClaims(ctx, d); return nil },
		func() error { noPools = lookPools(ctx, &look{w, d, func() schema.Applied { return a }, v}); return nil })
	if err == nil && (ctx.Err() != nil || c.noPod) { // else the cluster tells of its nodes
		err = noPools
	}
	if err != nil {
		return machines{}, fmt.Errorf("nodes: %w", err)
	}
	out := NodeCensus{Nodes: []CensusNode{}, Unread: append(c.Unread, v.poolsUnread(noPools)...), NoPools: noPools}
	if noExecutors != nil {
		out.Unread = append(out.Unread, untold("EC2 for executors", noExecutors))
	}
	owners := v.groupOwners()
	found, err := w.instancesOf(ctx, c.nodes, scalingGroups(owners))
	if err != nil {
		if ctx.Err() != nil || c.noPod {
			return machines{}, fmt.Errorf("nodes: instances of the pools' groups: %w", err)
		}
		out.Unread = append(out.Unread, untold("EC2", err))
	}
	if noClaims != nil {
		if ctx.Err() != nil {
			return machines{}, fmt.Errorf("nodes: %w", noClaims)
		}
		out.Unread = append(out.Unread, untold("Karpenter", noClaims))
	}
	out.Nodes = joined(c.nodes, found, claims, owners, PoolLabels(d))
	for i := range out.Nodes {
		n := &out.Nodes[i]
		n.Pool = cmp.Or(n.Pool, d.Objects[n.Address].Fields["label"].Str())
		n.Runs, n.From = c.on(*n)
		n.Current = v.current(*n)
		n.Waits = v.waitsFor(*n, w.Nodes != nil && !c.noPod, c.others(n.Node))
	}
	out.Nodes = append(out.Nodes, executors.rows(c, d, a)...)
	w.foreseen(ctx, c, &out, past)
	slices.SortStableFunc(out.Nodes, func(a, b CensusNode) int {
		return cmp.Or(strings.Compare(a.Pool, b.Pool), strings.Compare(a.Tier, b.Tier), a.Created.Compare(b.Created), strings.Compare(a.Node, b.Node), strings.Compare(a.Instance, b.Instance))
	})
	for _, x := range executors.all {
		found[x.ID] = x.Instance
	}
	return machines{out, c, found}, nil
}

// poolsUnread are the pools whose machines are not all told of, and why: they could not be read,
// or a group of theirs is not there.
func (v *View) poolsUnread(noPools error) (out []Unread) {
	if noPools != nil {
		return []Unread{untold("The node pools", noPools)}
	}
	for _, f := range v.Findings {
		if f.Code == "DC143" || f.Code == "DC872" {
			out = append(out, Unread{f.Address.String(), true, f.Message})
		}
	}
	return out
}

// joined has a row for each node of the cluster, with its instance and its NodeClaim; for
// each instance that is no node; and for each node that Karpenter asked for and nobody lists.
func joined(nodes []port.Node, found map[string]port.Instance, claims []port.NodeClaim, owners, labels map[string]schema.Address) []CensusNode {
	out, asked, instances := []CensusNode{}, claimsByNode(claims), maps.Clone(found)
	for _, n := range nodes {
		row := CensusNode{Node: n.Name, Instance: n.Instance, Pool: n.Labels[schema.PoolLabel], Type: n.Labels[port.TypeLabel], Created: n.Created, State: "ready", By: n.CordonedBy}
		row.Address = labels[row.Pool]
		switch {
		case n.Cordoned:
			row.State = "cordoned"
		case !n.Ready:
			row.State = "not ready"
		}
		if i, known := instances[n.Instance]; known {
			row.of(i, owners)
			delete(instances, n.Instance)
			if i.State == "shutting-down" { // which the cluster has yet to notice
				row.State = i.State
			}
		}
		row.ofClaim(asked[n.Name], owners)
		delete(asked, n.Name)
		out = append(out, row)
	}
	for _, id := range schema.Sorted(instances) {
		row := CensusNode{State: instances[id].State}
		row.of(instances[id], owners)
		out = append(out, row)
	}
	for _, name := range schema.Sorted(asked) {
		row := CensusNode{State: "asked for"}
		row.ofClaim(asked[name], owners)
		if row.Address != (schema.Address{}) && !slices.ContainsFunc(out, func(n CensusNode) bool { return n.Instance == row.Instance && n.Instance != "" }) {
			out = append(out, row)
		}
	}
	return out
}

// foreseen says when machines that take no new runs are expected to be empty. Where none is
// emptying, nobody is asked how long runs last.
func (w *World) foreseen(ctx context.Context, c *census, out *NodeCensus, past Past) {
	if !slices.ContainsFunc(out.Nodes, CensusNode.emptying) {
		return
	}
	told := len(c.Unread)
	ended, untold := past(ctx)
	c.foretell(ended, untold, w.Now())
	out.Unread = append(out.Unread, c.Unread[told:]...)
	for i, n := range out.Nodes {
		if n.emptying() {
			out.Nodes[i].End = c.latest(n)
		}
	}
}

// emptying says that no new run gets on to it, and that some are on it.
func (n CensusNode) emptying() bool {
	return (n.State == "cordoned" || n.State == "maintenance") && len(n.Runs) > 0
}

// of takes what EC2 says of a node's instance.
func (n *CensusNode) of(i port.Instance, owners map[string]schema.Address) {
	n.Instance, n.AMI, n.Type = i.ID, i.Image, cmp.Or(i.Type, n.Type)
	if n.Address == (schema.Address{}) {
		n.Address = owners[i.Tags[port.GroupNameTag]]
	}
	if n.Created.IsZero() {
		n.Created, _ = time.Parse(time.RFC3339, i.Launched)
	}
}

// nodeClaims are the nodes that Karpenter was asked for, where pools have its groups.
func (w *World) nodeClaims(ctx context.Context, d schema.Desired) ([]port.NodeClaim, error) {
	if !schema.OnKarpenter(d) || w.Karpenter == nil {
		return nil, nil
	}
	return w.Karpenter.ListNodeClaims(ctx)
}

// claimsByNode are claims by the node that they became; those that did not yet by their own
// name, which is none of a node.
func claimsByNode(claims []port.NodeClaim) map[string]port.NodeClaim {
	out := map[string]port.NodeClaim{}
	for _, c := range claims {
		out[cmp.Or(c.Node, "claim "+c.Name)] = c
	}
	return out
}

// ofClaim takes what Karpenter says of a node: its pool, its image, and that it ends it.
func (n *CensusNode) ofClaim(c port.NodeClaim, owners map[string]schema.Address) {
	if c.Name == "" {
		return
	}
	n.Instance, n.AMI = cmp.Or(n.Instance, c.Instance), cmp.Or(n.AMI, c.Image)
	if n.Address == (schema.Address{}) {
		n.Address = owners[schema.Group{Karpenter: c.Pool}.Key()]
	}
	if n.Created.IsZero() {
		n.Created = c.Created
	}
	if c.Going {
		n.State = "ending"
	}
}

// groupOwners are the pools by Auto Scaling group, those of managed node groups too, and by
// the keys of Karpenter's groups.
func (v *View) groupOwners() map[string]schema.Address {
	out := map[string]schema.Address{}
	for a, o := range v.desired.Objects {
		if a.Kind != "nodePools" {
			continue
		}
		for _, g := range o.Groups() {
			if g.ASG != "" {
				out[g.ASG] = a
			}
			if g.Karpenter != "" {
				out[g.Key()] = a
			}
			for _, name := range v.raw[v.world.groupRefOf(g)]["groups"].Strings() {
				out[name] = a
			}
		}
	}
	return out
}

// scalingGroups are the owned groups that are Auto Scaling's: no name of one has a colon.
func scalingGroups(owners map[string]schema.Address) []string {
	return slices.DeleteFunc(schema.Sorted(owners), func(name string) bool { return strings.Contains(name, ":") })
}

// instancesOf are the instances of nodes and of groups, but for those that ended, by id.
func (w *World) instancesOf(ctx context.Context, nodes []port.Node, groups []string) (map[string]port.Instance, error) {
	var ids []string
	for _, n := range nodes {
		if n.Instance != "" {
			ids = append(ids, n.Instance)
		}
	}
	var byNode, byGroup []port.Instance
	err := sideBySide(
		func() (err error) {
			if len(ids) > 0 {
				byNode, err = w.Outside.DescribeInstances(ctx, port.Select{IDs: ids})
			}
			return err
		},
		func() error {
			for some := range slices.Chunk(groups, 200) { // as many values as a filter takes
				found, err := w.Outside.DescribeInstances(ctx, port.Select{Filters: map[string][]string{"tag:" + port.GroupNameTag: some}})
				if err != nil {
					return err
				}
				byGroup = append(byGroup, found...)
			}
			return nil
		})
	out := map[string]port.Instance{}
	for _, i := range slices.Concat(byNode, byGroup) {
		if i.State != "terminated" {
			out[i.ID] = i
		}
	}
	return out, err
}

// on is what is on a machine, and who says so.
func (c *census) on(n CensusNode) (runs, from []string) {
	runs, from = []string{}, []string{}
	for _, r := range c.Runs {
		if r.isOn(n) {
			runs, from = append(runs, cmp.Or(r.Run, "pod "+r.Pod)), append(from, r.From...)
		}
	}
	if len(runs) == 0 && (!c.placed && (c.noPod || n.Node == "") || n.Node == "" && (c.nameless() || c.astray())) {
		return nil, from
	}
	slices.Sort(runs)
	slices.Sort(from)
	return slices.Compact(runs), slices.Compact(from)
}

// isOn says that a unit is on a machine, as a node or by its EC2 id.
func (r RunUnit) isOn(n CensusNode) bool {
	return r.Node != "" && (r.Node == n.Node || r.Node == n.Instance)
}

// nameless says that the cluster has a node of which it does not tell the instance: what is
// on that could be on any instance that is no node.
func (c *census) nameless() bool {
	return slices.ContainsFunc(c.nodes, port.Node.Nameless)
}

// astray says that a live run is on a machine by a name that no node of the cluster has, as where
// the cluster does not tell of its nodes: it could be on any instance that is no node.
func (c *census) astray() bool {
	return slices.ContainsFunc(c.Runs, func(r RunUnit) bool {
		return r.Node != "" && !strings.HasPrefix(r.Node, "i-") && !slices.ContainsFunc(c.nodes, func(n port.Node) bool { return n.Name == r.Node })
	})
}

// others are the pods of a node that a drain waits for beside runs: none that the node has
// of its own, or that has ended.
func (c *census) others(node string) (n int) {
	for _, p := range c.pods {
		if node != "" && p.Node == node && !p.OfNode() && !p.Ended() && !p.OfRun() {
			n++
		}
	}
	return n
}

// current says whether a machine is on an image that its pool's groups start nodes from
// now; nil where that is not known.
func (v *View) current(n CensusNode) *bool {
	images, known := v.startsFrom(n.Address)
	if n.AMI == "" || !known {
		return nil
	}
	is := slices.Contains(images, n.AMI)
	return &is
}

// startsFrom are the images of a pool's groups, as they live.
func (v *View) startsFrom(pool schema.Address) (images []string, known bool) {
	for p, value := range v.Objects[pool].Fields {
		if !strings.HasSuffix(p, ".ami") {
			continue
		}
		if value.Str() == "" || strings.HasPrefix(value.Str(), follow) {
			return nil, false
		}
		images = append(images, value.Str())
	}
	slices.Sort(images)
	return slices.Compact(images), len(images) > 0
}
