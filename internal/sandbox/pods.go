package sandbox

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

// pod is one of the file's. One whose end has begun is there until Ends, and without that
// for good; one that finishes has succeeded from then on.
type pod struct {
	Created     string            `json:"created,omitempty"` // RFC 3339
	Ending      bool              `json:"ending,omitempty"`
	Ends        string            `json:"ends,omitempty"`     // RFC 3339
	Finishes    string            `json:"finishes,omitempty"` // RFC 3339
	Labels      map[string]string `json:"labels,omitempty"`
	LocalData   bool              `json:"localData,omitempty"`
	Mirror      bool              `json:"mirror,omitempty"`
	Node        string            `json:"node,omitempty"`
	Owner       string            `json:"owner,omitempty"`     // its controller
	OwnerKind   string            `json:"ownerKind,omitempty"` // a ReplicaSet, StatefulSet, DaemonSet or Job makes its pods anew
	Phase       string            `json:"phase,omitempty"`     // left out: Running, or Pending without a node
	Requests    amount            `json:"requests,omitzero"`
	Selector    map[string]string `json:"selector,omitempty"` // labels of nodes it may run on
	UID         string            `json:"uid,omitempty"`
	Unscheduled string            `json:"unscheduled,omitempty"`
}

// budget keeps so many of a namespace's pods with these labels running.
type budget struct {
	Labels         map[string]string `json:"labels"`
	MaxUnavailable *int64            `json:"maxUnavailable,omitempty"`
	MinAvailable   int64             `json:"minAvailable,omitempty"`
}

// ListPods of one node, or all with "", by namespace and name.
func (w *World) ListPods(ctx context.Context, node string) ([]port.Pod, error) {
	return read(ctx, w, "ListPods", func(s *state) (out []port.Pod, _ int, err error) {
		g, err := w.grid(s)
		if err != nil {
			return nil, 0, err
		}
		for _, name := range schema.Sorted(g.pods) {
			if p := g.pods[name]; node == "" || p.Node == node {
				out = append(out, p.port(name))
			}
		}
		return out, len(out), nil
	})
}

func (p pod) port(key string) port.Pod {
	namespace, name, _ := strings.Cut(key, "/")
	created, _ := time.Parse(time.RFC3339, p.Created) // stand read it
	requests := p.Requests.port()
	requests.Pods = 1
	return port.Pod{Namespace: namespace, Name: name, UID: p.UID, Node: p.Node, Phase: p.Phase, Labels: copied(p.Labels), OwnerKind: p.OwnerKind, Owner: p.Owner,
		Mirror: p.Mirror, LocalData: p.LocalData, Ending: p.Ending, Created: created, Requests: requests, Unscheduled: p.Unscheduled}
}

// stand puts a pod into the grid as it stands, unless it is gone.
func (w *World) stand(g grid, name string, p pod) error {
	p.UID, p.Created = cmp.Or(p.UID, uid("pod", name)), cmp.Or(p.Created, "2026-01-01T00:00:00Z")
	_, bound := g.nodes[p.Node]
	over, err := w.passed(p.Ends)
	finished, err2 := w.passed(p.Finishes)
	_, err3 := w.passed(p.Created)
	if err := cmp.Or(err, err2, err3); err != nil {
		return err
	}
	if over || p.Node != "" && !bound { // its controller makes another
		if !slices.Contains([]string{"ReplicaSet", "StatefulSet", "DaemonSet", "Job"}, p.OwnerKind) || !bound && p.OwnerKind == "DaemonSet" {
			return nil
		}
		p.UID, p.Ending, p.Ends, p.Phase = uid(p.UID), false, "", ""
		if p.OwnerKind != "DaemonSet" {
			p.Node = ""
		}
	}
	switch {
	case finished && p.Finishes != "":
		p.Phase = "Succeeded"
	case p.Phase == "" && p.Node == "":
		p.Phase = "Pending"
	case p.Phase == "":
		p.Phase = "Running"
	}
	g.pods[name] = p
	return nil
}

// passed says whether a time of the file has come; "" never does.
func (w *World) passed(at string) (bool, error) {
	if at == "" {
		return false, nil
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return false, fmt.Errorf("%q is not a time like 2026-03-31T12:00:00Z", at)
	}
	return !w.opts.Clock().Before(t), nil
}

// schedule binds pods of controllers to the first node that takes them.
func (g grid) schedule() {
	room := map[string]port.Resources{}
	for name, n := range g.nodes {
		room[name] = n.Allocatable.port()
	}
	for _, p := range g.pods {
		if p.Node != "" && p.Phase == "Running" {
			room[p.Node] = less(room[p.Node], p.Requests)
		}
	}
	for _, key := range schema.Sorted(g.pods) {
		p := g.pods[key]
		if p.Node != "" || p.Phase != "Pending" || p.Owner == "" {
			continue
		}
		p.Unscheduled = fmt.Sprintf("0/%d nodes are available.", len(g.nodes))
		for _, name := range schema.Sorted(g.nodes) {
			if n := g.nodes[name]; n.isReady && !n.Cordoned && selects(p.Selector, n.Labels) && fits(room[name], p.Requests) {
				p.Node, p.Phase, p.Unscheduled = name, "Running", ""
				room[name] = less(room[name], p.Requests)
				break
			}
		}
		g.pods[key] = p
	}
}

func less(r port.Resources, a amount) port.Resources {
	other := map[string]int64{}
	maps.Copy(other, r.Other)
	for name, n := range a.Other {
		other[name] -= n
	}
	return port.Resources{MilliCPU: r.MilliCPU - a.MilliCPU, Memory: r.Memory - a.Memory, Pods: r.Pods - 1, Other: other}
}

func fits(r port.Resources, a amount) bool {
	for name, n := range a.Other {
		if n > r.Other[name] {
			return false
		}
	}
	return r.Pods > 0 && a.MilliCPU <= r.MilliCPU && a.Memory <= r.Memory
}

// selects says whether labels hold all that a selector names.
func selects(selector, labels map[string]string) bool {
	for key, v := range selector {
		if got, ok := labels[key]; !ok || got != v {
			return false
		}
	}
	return true
}

// EvictPod begins a pod's end, unless a budget forbids it.
func (w *World) EvictPod(ctx context.Context, was port.Pod) error {
	return effect(ctx, w, "EvictPod", func(s *state) (*state, error) {
		g, err := w.grid(s)
		if err != nil {
			return nil, err
		}
		key := was.Namespace + "/" + was.Name
		p, there := g.pods[key]
		if !there || was.UID != p.UID {
			return nil, fmt.Errorf("pod %q: %w", key, port.ErrNotFound)
		}
		if err := s.cluster.allows(g, key); err != nil {
			return nil, fmt.Errorf("pod %s: %w", key, err)
		}
		next := *s
		next.cluster.Pods = maps.Clone(g.pods)
		switch {
		case p.Ending:
		case p.Node == "":
			delete(next.cluster.Pods, key)
		default:
			p.Ending, p.Ends = true, w.settles()
			next.cluster.Pods[key] = p
		}
		return &next, nil
	})
}

// allows follows what the disruption controller reckons and the API server asks; a pod
// that does not run, or ends, is no loss.
// https://kubernetes.io/docs/concepts/workloads/pods/disruptions/
func (c cluster) allows(g grid, key string) error {
	p := g.pods[key]
	namespace, _, _ := strings.Cut(key, "/")
	if p.Phase != "Running" || p.Ending {
		return nil
	}
	var over []string
	for _, name := range schema.Sorted(c.Budgets) {
		if strings.HasPrefix(name, namespace+"/") && selects(c.Budgets[name].Labels, p.Labels) {
			over = append(over, name)
		}
	}
	if len(over) == 0 {
		return nil
	}
	if len(over) > 1 {
		return fmt.Errorf("%w: it has several: %s", port.ErrBudget, strings.Join(over, ", "))
	}
	b := c.Budgets[over[0]]
	running, expected := int64(0), int64(0)
	for name, other := range g.pods {
		if strings.HasPrefix(name, namespace+"/") && selects(b.Labels, other.Labels) && (other.Phase == "Running" || other.Phase == "Pending") {
			expected++
			if other.Phase == "Running" && !other.Ending {
				running++
			}
		}
	}
	needs := b.MinAvailable
	if b.MaxUnavailable != nil {
		needs = expected - *b.MaxUnavailable
	}
	if running <= needs {
		return fmt.Errorf("%w: the disruption budget %s needs %d healthy pods and has %d currently", port.ErrBudget, over[0], needs, running)
	}
	return nil
}
