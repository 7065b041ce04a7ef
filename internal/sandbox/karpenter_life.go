package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// karpened is the state with what became of Karpenter's nodes until now: those whose end is
// over are gone, one that drifted goes where budgets let it, whatever runs there, and one
// is started at a time where pods of a controller wait for it. As of groups, it follows
// from the file and the time alone.
func (w *World) karpened(s *state) *state {
	if s.cluster.Karpenter == nil {
		return s
	}
	now := w.opts.Clock().UTC().Truncate(time.Second)
	t := now
	if at := moment(s.cluster.Karpenter.At); !at.IsZero() {
		t = at
	}
	for range mostEvents {
		next, moved := w.karpens(s, t)
		if moved {
			s = next
			continue
		}
		after := w.nextOfClaims(s, t)
		if after.IsZero() || after.After(now) {
			break
		}
		t = after
	}
	k, n := *s.cluster.Karpenter, *s
	k.At = now.Format(time.RFC3339)
	n.cluster.Karpenter = &k
	return &n
}

// takes is how long a node takes to come, to get ready, and to go.
func (w *World) takes(k *karpenter) time.Duration {
	if d, err := time.ParseDuration(k.Takes); err == nil {
		return d
	}
	return w.opts.Settle
}

// mostVain is how long Karpenter waits for a node to join before it gives its claim up.
// https://github.com/kubernetes-sigs/karpenter/blob/v1.14.0/pkg/controllers/nodeclaim/lifecycle/liveness.go
const mostVain = 15 * time.Minute

// karpens is the first thing that happens at a time, if one does.
func (w *World) karpens(s *state, t time.Time) (*state, bool) {
	n, k := *s, *s.cluster.Karpenter
	k.Claims, k.Pools = maps.Clone(k.Claims), maps.Clone(k.Pools)
	n.cluster.Karpenter = &k
	for _, name := range schema.Sorted(k.Claims) {
		c := k.Claims[name]
		vain := c.Joins == "never" && c.Created != "" && !moment(c.Created).Add(mostVain).After(t)
		if vain || c.Ends != "" && !moment(c.Ends).After(t) {
			delete(k.Claims, name)
			n.cluster.Nodes = removed(n.cluster.Nodes, c.node(name))
			n.domino.Executions = lost(n.domino.Executions, c.node(name), moment(c.Ends).Add(-w.takes(&k)))
			return &n, true
		}
	}
	for _, pool := range schema.Sorted(k.Pools) {
		if name := k.drifted(s, pool); name != "" {
			c := k.Claims[name]
			c.Ends = t.Add(w.takes(&k)).Format(time.RFC3339)
			k.Claims[name] = c
			return &n, true
		}
	}
	for _, pool := range schema.Sorted(k.Pools) {
		if w.wanted(s, pool, t) {
			if k.Claims == nil {
				k.Claims = map[string]nodeClaim{}
			}
			p := k.Pools[pool]
			p.Started++
			k.Pools[pool] = p
			name := pool + "-" + hashed("nodeclaim", pool, fmt.Sprint(p.Started))[len("sha256:"):][:5]
			c := nodeClaim{Pool: pool, Image: s.classOf(p.Class, k.Classes[p.Class]).Images[0], Created: t.Format(time.RFC3339)}
			if slices.Contains(s.cluster.Unready, pool) {
				c.Joins = "never"
			}
			k.Claims[name] = c
			return &n, true
		}
	}
	return s, false
}

// lost has the runs on a node that went say so, but for those that had ended by then.
func lost(all map[string]execution, node string, went time.Time) map[string]execution {
	out := all
	for _, id := range schema.Sorted(all) {
		e := all[id]
		on := slices.ContainsFunc(e.Units, func(u unit) bool { return u.Node == node })
		if on && e.Lost == "" && went.Before(moment(e.Ends)) {
			e.Lost = went.Format(time.RFC3339)
			out = added(out, id, e)
		}
	}
	return out
}

// drifted is the claim of a pool that Karpenter takes next because it drifted; "" while
// one goes, and where budgets hold drift.
func (k karpenter) drifted(s *state, pool string) (found string) {
	p := k.Pools[pool]
	class := s.classOf(p.Class, k.Classes[p.Class])
	if p.port(pool).DriftHeld() || class.Images == nil {
		return ""
	}
	for _, name := range schema.Sorted(k.Claims) {
		c := k.Claims[name]
		switch {
		case c.Pool != pool:
		case c.Ends != "":
			return ""
		case found == "" && !slices.Contains(class.Images, c.Image):
			found = name
		}
	}
	return found
}

// wanted says that a pod of a controller waits for a node of a pool, which has none on its
// way, and may have one more.
func (w *World) wanted(s *state, pool string, t time.Time) bool {
	k := s.cluster.Karpenter
	p := k.Pools[pool]
	if s.classOf(p.Class, k.Classes[p.Class]).Images == nil {
		return false
	}
	then := *w
	then.opts.Clock = func() time.Time { return t }
	n := int64(0)
	for _, c := range k.Claims {
		if c.Pool == pool && c.Ends == "" {
			n++
		}
		if c.Pool == pool && c.Ends == "" && (c.Joins == "never" || moment(c.Created).Add(2*w.takes(s.cluster.Karpenter)).After(t)) {
			return false
		}
	}
	node := p.claimed(*s, "new", nodeClaim{Pool: pool})
	limit := p.port(pool).Limited
	if limit.MilliCPU > 0 && (n+1)*node.Capacity.MilliCPU > limit.MilliCPU || limit.Memory > 0 && (n+1)*node.Capacity.Memory > limit.Memory {
		return false
	}
	g, err := then.grid(s)
	if err != nil {
		return false
	}
	for _, key := range schema.Sorted(g.pods) {
		of := g.pods[key]
		if of.Node == "" && of.Phase == "Pending" && of.Owner != "" && selects(of.Selector, node.Labels) && fits(node.Allocatable.port(), of.Requests) {
			return true
		}
	}
	return false
}

// nextOfClaims is when something may happen next, the zero time for never.
func (w *World) nextOfClaims(s *state, t time.Time) (next time.Time) {
	at := func(text string, later time.Duration) {
		if when := moment(text); !when.IsZero() {
			if when = when.Add(later); when.After(t) && (next.IsZero() || when.Before(next)) {
				next = when
			}
		}
	}
	for _, c := range s.cluster.Karpenter.Claims {
		at(c.Ends, 0)
		at(c.Created, w.takes(s.cluster.Karpenter))
		at(c.Created, 2*w.takes(s.cluster.Karpenter))
		if c.Joins == "never" {
			at(c.Created, mostVain)
		}
	}
	for _, p := range s.cluster.Pods {
		at(p.Ends, 0)
		at(p.Finishes, 0)
		at(p.Created, 0)
	}
	return next
}

// claimed is the node of a claim.
func (p nodePool) claimed(s state, name string, c nodeClaim) node {
	labels := copied(p.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	labels[port.NodePoolLabel] = c.Pool
	kind := "m5.2xlarge"
	if len(p.InstanceTypes) > 0 {
		kind = p.InstanceTypes[0]
	}
	labels[port.TypeLabel] = kind
	n := node{Created: c.Created, Instance: c.instance(name), Labels: labels, Taints: p.Taints, UID: uid("node", name), Ready: "soon"}
	if len(p.Zones) > 0 {
		n.Zone = p.Zones[0]
	}
	n.sized(&s, kind)
	return n
}

// claims are the nodes that claims have by now, those that were written to as they were.
func (w *World) claims(s *state, g grid) error {
	k := s.cluster.Karpenter
	if k == nil {
		return nil
	}
	there := map[string]bool{}
	for _, name := range schema.Sorted(k.Claims) {
		c := k.Claims[name]
		created, ready := moment(cmp.Or(c.Created, "2026-01-01T00:00:00Z")), c.Joins
		if c.Joins == "never" || w.opts.Clock().Before(created.Add(w.takes(s.cluster.Karpenter))) {
			continue
		}
		there[c.node(name)] = true
		if _, written := s.cluster.Nodes[c.node(name)]; written {
			continue
		}
		c.Created = created.Add(w.takes(s.cluster.Karpenter)).Format(time.RFC3339)
		n := k.Pools[c.Pool].claimed(*s, name, c)
		n.Ready = cmp.Or(ready, n.Ready)
		if slices.Contains(s.cluster.Unready, c.Image) {
			n.Ready = "never"
		}
		n, is, err := w.standing(s, c.node(name), n)
		if err != nil {
			return fmt.Errorf("kubernetes.karpenter.nodeClaims.%s: %w", name, err)
		}
		if is {
			g.nodes[c.node(name)] = n
		}
	}
	for name, n := range g.nodes {
		if n.Labels[port.NodePoolLabel] != "" && !there[name] {
			delete(g.nodes, name) // it goes with its claim
		}
	}
	return nil
}
