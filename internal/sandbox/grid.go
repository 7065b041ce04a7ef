package sandbox

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// cluster is the file's "kubernetes".
type cluster struct {
	Budgets   map[string]budget            `json:"budgets,omitempty"` // "namespace/name"
	Karpenter *karpenter                   `json:"karpenter,omitempty"`
	Nodes     map[string]node              `json:"nodes,omitempty"`   // those of no instance of a group, and those that were written to
	Pods      map[string]pod               `json:"pods,omitempty"`    // "namespace/name"
	Secrets   map[string]map[string]string `json:"secrets,omitempty"` // "namespace/name" → key → value
	Unready   []string                     `json:"unready,omitempty"` // Auto Scaling groups, and images, whose instances and nodes join and never get ready, and NodePools whose nodes never join
}

func (c cluster) empty() bool {
	return c.Karpenter == nil && len(c.Budgets)+len(c.Nodes)+len(c.Pods)+len(c.Secrets)+len(c.Unready) == 0
}

// node is ready from Ready on: "" is always, "never".
type node struct {
	Allocatable amount            `json:"allocatable,omitzero"`
	Capacity    amount            `json:"capacity,omitzero"`    // left out: as allocatable
	Conditions  []nodeCondition   `json:"conditions,omitempty"` // beside Ready
	Cordoned    bool              `json:"cordoned,omitempty"`
	CordonedBy  string            `json:"cordonedBy,omitempty"`
	Created     string            `json:"created,omitempty"`  // RFC 3339
	Instance    string            `json:"instance,omitempty"` // which it goes with
	Labels      map[string]string `json:"labels,omitempty"`
	Ready       string            `json:"ready,omitempty"`
	Taints      []taint           `json:"taints,omitempty"`
	UID         string            `json:"uid,omitempty"`
	Version     int64             `json:"version,omitempty"` // how often it was written to
	Zone        string            `json:"zone,omitempty"`

	isReady bool
}

// nodeCondition is one that a node reports beside Ready.
type nodeCondition struct {
	Message string `json:"message,omitempty"`
	Reason  string `json:"reason,omitempty"`
	Since   string `json:"since,omitempty"`  // RFC 3339
	Status  string `json:"status,omitempty"` // "False" unless stated
	Type    string `json:"type"`
}

type taint struct {
	Effect string `json:"effect"`
	Key    string `json:"key"`
	Value  string `json:"value,omitempty"`
}

type amount struct {
	Memory   int64            `json:"memory,omitempty"` // bytes
	MilliCPU int64            `json:"milliCPU,omitempty"`
	Other    map[string]int64 `json:"other,omitempty"`
	Pods     int64            `json:"pods,omitempty"`
}

func (a amount) port() port.Resources {
	return port.Resources{MilliCPU: a.MilliCPU, Memory: a.Memory, Pods: a.Pods, Other: maps.Clone(a.Other)}
}

// grid is what the cluster has at one time.
type grid struct {
	nodes map[string]node
	pods  map[string]pod
}

// grid is the cluster as it stands. An instance of a group joins as a node when it runs,
// and is ready after a while; a node goes with its instance. Pods go with their nodes, but
// those of a controller, which makes them anew.
func (w *World) grid(s *state) (g grid, err error) {
	g = grid{map[string]node{}, map[string]pod{}}
	joined := map[string]bool{} // instances
	for _, name := range schema.Sorted(s.cluster.Nodes) {
		n := s.cluster.Nodes[name]
		joined[n.Instance] = true
		if n, there, err := w.standing(s, name, n); err != nil {
			return g, fmt.Errorf("kubernetes.nodes.%s: %w", name, err)
		} else if there {
			g.nodes[name] = n
		}
	}
	for _, id := range schema.Sorted(s.aws.Instances) {
		name, n, joins := s.joining(id)
		if !joins || joined[id] {
			continue
		}
		if n, there, err := w.standing(s, name, n); err != nil {
			return g, fmt.Errorf("aws.instances.%s: %w", id, err)
		} else if there {
			g.nodes[name] = n
		}
	}
	if err := w.claims(s, g); err != nil {
		return g, err
	}
	for _, name := range schema.Sorted(s.cluster.Pods) {
		if err := w.stand(g, name, s.cluster.Pods[name]); err != nil {
			return g, fmt.Errorf("kubernetes.pods.%s: %w", name, err)
		}
	}
	g.schedule()
	return g, nil
}

// joining is the node that an instance of a group becomes.
func (s *state) joining(id string) (name string, n node, joins bool) {
	i := s.aws.Instances[id]
	of := i.Tags[port.GroupNameTag]
	g, ok := s.aws.AutoScalingGroups[of]
	if !ok {
		return "", node{}, false
	}
	n = node{Created: cmp.Or(i.Settles, i.Launched), Instance: id, Labels: map[string]string{port.TypeLabel: i.Type}, Ready: "soon", UID: uid("node", id)}
	if n.Created == "" {
		n.Ready = "" // it runs since before the file says anything
	}
	if slices.Contains(s.cluster.Unready, of) || slices.Contains(s.cluster.Unready, i.Image) {
		n.Ready = "never"
	}
	for tag, v := range g.Tags {
		if label, ok := strings.CutPrefix(tag, schema.LabelTag); ok {
			n.Labels[label] = v
		}
	}
	for _, groups := range s.aws.NodeGroups {
		for _, managed := range groups {
			if slices.Contains(managed.Groups, of) {
				maps.Copy(n.Labels, managed.Labels)
			}
		}
	}
	if len(g.Zones) > 0 {
		n.Zone = cmp.Or(i.Zone, g.Zones[0])
		n.Labels[port.ZoneLabel] = n.Zone
	}
	n.sized(s, i.Type)
	return "ip-" + strings.ReplaceAll(i.PrivateIP, ".", "-") + "." + s.aws.Region + ".compute.internal", n, true
}

// sized gives a node what its instance type has.
func (n *node) sized(s *state, kind string) {
	t := s.aws.InstanceTypes[kind]
	if _, known := s.aws.InstanceTypes[kind]; !known {
		of := schema.InstanceTypes()[kind]
		t = instanceType{VCPUs: int64(of.Cores), MemoryMiB: of.Memory >> 20, GPUs: int64(of.GPUs)}
	}
	n.Capacity = amount{MilliCPU: t.VCPUs * 1000, Memory: t.MemoryMiB << 20, Pods: 58}
	if t.GPUs > 0 {
		n.Capacity.Other = map[string]int64{schema.WholeGPU: t.GPUs}
	}
	n.Allocatable = n.Capacity
	n.Allocatable.MilliCPU -= min(100, n.Capacity.MilliCPU)
	n.Allocatable.Memory -= min(1<<30, n.Capacity.Memory)
}

// standing is a node as it stands; one whose instance does not run yet or any more is not
// there, and one whose instance is stopped is not ready.
func (w *World) standing(s *state, name string, n node) (node, bool, error) {
	n.UID = cmp.Or(n.UID, uid("node", name))
	n.Created = cmp.Or(n.Created, "2026-01-01T00:00:00Z")
	n.isReady = true
	if _, of := s.aws.Instances[n.Instance]; of {
		i, err := w.instance(s, n.Instance)
		if err != nil || !slices.Contains([]string{"running", "stopping", "stopped"}, i.State) {
			return n, false, nil
		}
		n.isReady = i.State == "running"
	}
	if n.Capacity.port().Pods == 0 && n.Capacity.MilliCPU == 0 {
		n.Capacity = n.Allocatable
	}
	made, err := time.Parse(time.RFC3339, n.Created)
	if err != nil {
		return n, false, fmt.Errorf("created %q is not a time like 2026-03-31T12:00:00Z", n.Created)
	}
	for _, c := range n.Conditions {
		if _, err := time.Parse(time.RFC3339, cmp.Or(c.Since, n.Created)); err != nil {
			return n, false, fmt.Errorf("conditions: since %q is not a time like 2026-03-31T12:00:00Z", c.Since)
		}
	}
	switch n.Ready {
	case "":
		return n, true, nil
	case "never":
		n.isReady = false
		return n, true, nil
	case "soon":
		n.Ready = made.Add(w.opts.Settle).Format(time.RFC3339)
	}
	ready, err := time.Parse(time.RFC3339, n.Ready)
	if err != nil {
		return n, false, fmt.Errorf(`ready %q is neither "never" nor a time like 2026-03-31T12:00:00Z`, n.Ready)
	}
	n.isReady = n.isReady && !w.opts.Clock().Before(ready)
	return n, true, nil
}

// version moves with every write and when the node gets ready.
func (n node) version() string {
	v := 2*n.Version + 1
	if n.isReady {
		v++
	}
	return strconv.FormatInt(v, 10)
}

// uid looks like one of Kubernetes.
func uid(parts ...string) string {
	h := hashed(parts...)[len("sha256:"):]
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:32]
}
