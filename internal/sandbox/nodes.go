package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

var _ port.Nodes = (*World)(nil)

// ListNodes by name.
func (w *World) ListNodes(ctx context.Context) ([]port.Node, error) {
	return read(ctx, w, "ListNodes", func(s *state) (out []port.Node, _ int, err error) {
		g, err := w.grid(s)
		if err != nil {
			return nil, 0, err
		}
		for _, name := range schema.Sorted(g.nodes) {
			out = append(out, g.nodes[name].port(name))
		}
		return out, len(out), nil
	})
}

func (n node) port(name string) port.Node {
	created, _ := time.Parse(time.RFC3339, n.Created) // grid read it
	var conditions []port.Condition
	for _, c := range n.Conditions {
		since, _ := time.Parse(time.RFC3339, cmp.Or(c.Since, n.Created))
		conditions = append(conditions, port.Condition{Type: c.Type, Status: cmp.Or(c.Status, "False"), Reason: c.Reason, Message: c.Message, Since: since})
	}
	ready := port.Condition{Type: "Ready", Status: "False", Reason: "KubeletNotReady", Message: "the kubelet is not ready"}
	if n.isReady {
		ready = port.Condition{Type: "Ready", Status: "True", Reason: "KubeletReady", Message: "kubelet is posting ready status"}
	}
	return port.Node{Name: name, UID: n.UID, Version: n.version(), Instance: n.Instance, Zone: n.Zone, Labels: copied(n.Labels), Taints: tainted(n.Taints),
		Cordoned: n.Cordoned, CordonedBy: n.CordonedBy, Ready: n.isReady, Created: created, Conditions: append(conditions, ready), Capacity: n.Capacity.port(), Allocatable: n.Allocatable.port()}
}

func tainted(taints []taint) (out []port.Taint) {
	for _, t := range taints {
		out = append(out, port.Taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
	}
	return out
}

// SetCordoned refuses a node that is another, or was written to since it was read.
func (w *World) SetCordoned(ctx context.Context, was port.Node, cordoned bool, by string) error {
	return effect(ctx, w, "SetCordoned", func(s *state) (*state, error) {
		g, err := w.grid(s)
		if err != nil {
			return nil, err
		}
		n, there := g.nodes[was.Name]
		switch {
		case !there || was.UID != n.UID || was.Version == "":
			return nil, fmt.Errorf("node %q: %w", was.Name, port.ErrNotFound)
		case was.Version != n.version():
			return nil, fmt.Errorf("node %s was changed since it was read: %w", was.Name, port.ErrState)
		}
		n.Cordoned, n.CordonedBy = cordoned, by
		if !cordoned {
			n.CordonedBy = ""
		}
		n.Version++
		next := *s
		next.cluster.Nodes = added(s.cluster.Nodes, was.Name, n)
		next.cluster.Pods = g.pods // where they were bound to meanwhile
		return &next, nil
	})
}
