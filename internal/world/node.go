package world

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// Node is all there is to know of one machine. What only a cluster tells is empty, and
// null where it is a list or an amount, of an instance that is no node.
type Node struct {
	CensusNode
	Zone       string            `json:"zone,omitempty"`
	Labels     map[string]string `json:"labels"`
	Taints     []string          `json:"taints"` // as kubectl has them: "nvidia.com/gpu=true:NoSchedule"
	Conditions []NodeCondition   `json:"conditions"`
	// Requested is what the pods that have not ended reserve, of Allocatable.
	Capacity    *NodeRoom `json:"capacity"`
	Allocatable *NodeRoom `json:"allocatable"`
	Requested   *NodeRoom `json:"requested"`
	Pods        []NodePod `json:"pods"`
	// EC2 is the instance; nil where EC2 does not tell of it.
	EC2 *NodeInstance `json:"ec2"`
	// Image is the name of the AMI, and Entry the one of amis that it was made for, by its
	// tags.
	Image  string   `json:"image,omitempty"`
	Entry  string   `json:"entry,omitempty"`
	Unread []Unread `json:"unread"`
}

// NodeCondition is as the kubelet and controllers report it.
type NodeCondition struct {
	Type    string    `json:"type"`
	Status  string    `json:"status"`
	Reason  string    `json:"reason,omitempty"`
	Message string    `json:"message,omitempty"`
	Since   time.Time `json:"since,omitzero"`
}

// NodeRoom is an amount of a node, pods with it.
type NodeRoom struct {
	schema.Room
	Pods int64 `json:"pods"`
}

// NodePod is one pod of a node.
type NodePod struct {
	Pod      string    `json:"pod"`           // namespace/name
	Run      string    `json:"run,omitempty"` // the id of the run that it is of
	Kind     string    `json:"kind,omitempty"`
	Owner    string    `json:"owner,omitempty"` // its controller, "DaemonSet/kube-proxy"
	Phase    string    `json:"phase"`
	Ending   bool      `json:"ending,omitempty"`
	Created  time.Time `json:"created,omitzero"`
	Requests NodeRoom  `json:"requests"`
}

// NodeInstance is what EC2 says of a node.
type NodeInstance struct {
	State     string `json:"state"`
	Reason    string `json:"reason,omitempty"`
	Launched  string `json:"launched,omitempty"` // RFC 3339, the last start
	Zone      string `json:"zone,omitempty"`
	Subnet    string `json:"subnet,omitempty"`
	PrivateIP string `json:"privateIP,omitempty"`
	Keeper    string `json:"keeper,omitempty"` // "Auto Scaling group acme-gpu-a"
}

// LookNode reads one machine, by the name of its node or by its EC2 id.
func (w *World) LookNode(ctx context.Context, d schema.Desired, a schema.Applied, executions port.Executions, past Past, name string) (Node, error) {
	m, err := w.machines(ctx, d, a, executions, past)
	if err != nil {
		return Node{}, err
	}
	i := slices.IndexFunc(m.Nodes, func(n CensusNode) bool { return name != "" && (n.Node == name || n.Instance == name) })
	if i < 0 {
		var names []string
		for _, n := range m.Nodes {
			names = append(names, n.Node, n.Instance)
		}
		return Node{}, missing(name, names, m.Unread, "is no node of the cluster and no instance of the pools' groups", "domctl nodes lists those there are")
	}
	out := Node{CensusNode: m.Nodes[i], Unread: m.Unread}
	if i := slices.IndexFunc(m.census.nodes, func(n port.Node) bool { return n.Name != "" && n.Name == out.Node }); i >= 0 {
		out.of(m.census.nodes[i])
		if !m.census.noPod {
			out.holds(m.census.pods)
		}
	}
	if is, told := m.instances[out.Instance]; told {
		out.EC2 = &NodeInstance{is.State, is.Reason, is.Launched, is.Zone, is.Subnet, is.PrivateIP, is.Keeper()}
		out.Zone = cmp.Or(out.Zone, is.Zone)
	}
	return out, w.nameImage(ctx, &out)
}

// of takes what a cluster says of a node.
func (n *Node) of(is port.Node) {
	n.Zone, n.Labels = is.Zone, maps.Clone(is.Labels)
	if n.Labels == nil {
		n.Labels = map[string]string{}
	}
	n.Taints, n.Conditions = []string{}, []NodeCondition{}
	n.Capacity, n.Allocatable = roomOf(is.Capacity), roomOf(is.Allocatable)
	for _, t := range is.Taints {
		n.Taints = append(n.Taints, strings.TrimSuffix(t.Key+"="+t.Value, "=")+":"+t.Effect)
	}
	for _, c := range is.Conditions {
		n.Conditions = append(n.Conditions, NodeCondition(c))
	}
}

// holds takes the pods that are on a node.
func (n *Node) holds(pods []port.Pod) {
	n.Pods = []NodePod{}
	var requested port.Resources
	for _, p := range pods {
		if p.Node != n.Node {
			continue
		}
		one := NodePod{Pod: p.Namespace + "/" + p.Name, Run: p.Labels[port.ExecutionLabel], Kind: p.Labels[port.WorkloadLabel], Phase: p.Phase, Ending: p.Ending, Created: p.Created, Requests: *roomOf(p.Requests)}
		if p.OwnerKind != "" {
			one.Owner = p.OwnerKind + "/" + p.Owner
		}
		n.Pods = append(n.Pods, one)
		if !p.Ended() {
			requested = plus(requested, p.Requests)
		}
	}
	slices.SortFunc(n.Pods, func(a, b NodePod) int { return strings.Compare(a.Pod, b.Pod) })
	n.Requested = roomOf(requested)
}

func roomOf(r port.Resources) *NodeRoom {
	return &NodeRoom{schema.Room{MilliCores: r.MilliCPU, Memory: r.Memory, Other: r.Other}, r.Pods}
}

func plus(a, b port.Resources) port.Resources {
	sum := port.Resources{MilliCPU: a.MilliCPU + b.MilliCPU, Memory: a.Memory + b.Memory, Pods: a.Pods + b.Pods, Other: map[string]int64{}}
	for _, other := range []map[string]int64{a.Other, b.Other} {
		for name, n := range other {
			sum.Other[name] += n
		}
	}
	return sum
}

// nameImage notes why the name of a node's AMI is not known; an end of ctx alone is an
// error.
func (w *World) nameImage(ctx context.Context, n *Node) error {
	if n.AMI == "" {
		return nil
	}
	found, err := w.Outside.DescribeImages(ctx, port.ImageQuery{IDs: []string{n.AMI}, Disabled: true})
	if err != nil {
		n.Unread = append(n.Unread, untold("EC2", err))
	}
	for _, i := range found {
		n.Image, n.Entry = i.Name, i.Tags[schema.TagAMI]
	}
	return ctx.Err()
}
