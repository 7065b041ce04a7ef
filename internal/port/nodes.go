package port

import (
	"context"
	"errors"
	"time"
)

// ErrBudget is a pod's eviction that a disruption budget does not allow now.
// https://kubernetes.io/docs/concepts/scheduling-eviction/api-eviction/
var ErrBudget = errors.New("a disruption budget does not allow it now")

// Node is one machine of the grid, as Kubernetes has it.
type Node struct {
	Name, UID string
	Version   string // the resourceVersion that a write expects
	Instance  string // EC2 id, of "aws:///us-west-2a/i-0abc"; "" where no provider tells
	Zone      string
	Labels    map[string]string
	Taints    []Taint
	Cordoned  bool // spec.unschedulable
	// CordonedBy is what SetCordoned noted, "" for another's cordon.
	CordonedBy string
	Ready      bool
	Created    time.Time
	Conditions []Condition // as the kubelet and controllers report them
	// Capacity and Allocatable in the units of Resources.
	Capacity, Allocatable Resources
}

// Condition is one of a node's: Status is "True", "False" or "Unknown".
type Condition struct {
	Type, Status, Reason, Message string
	Since                         time.Time // of this status
}

// The labels that say what a node is, and where.
// https://kubernetes.io/docs/reference/labels-annotations-taints/
const (
	TypeLabel = "node.kubernetes.io/instance-type"
	ZoneLabel = "topology.kubernetes.io/zone"
)

// computeType tells Fargate's nodes, which are no instances.
// https://docs.aws.amazon.com/eks/latest/userguide/fargate.html
const computeType = "eks.amazonaws.com/compute-type"

// Nameless says that nobody tells which instance a node is, and that it may be one: any
// instance without a node could be this.
func (n Node) Nameless() bool { return n.Instance == "" && n.Labels[computeType] != "fargate" }

// Taint of a node: Effect is "NoSchedule", "PreferNoSchedule" or "NoExecute".
type Taint struct{ Key, Value, Effect string }

// Resources are an amount of a node. Other holds whole numbers of what else there is:
// "nvidia.com/gpu".
type Resources struct {
	MilliCPU, Memory, Pods int64 // thousandths of a core, bytes, pods
	Other                  map[string]int64
}

// Pod is one pod that is bound to a node, or waits for one.
type Pod struct {
	Namespace, Name, UID string
	Node                 string // "" while it waits
	Phase                string // "Pending", "Running", "Succeeded", "Failed", "Unknown"
	Labels               map[string]string
	// OwnerKind and Owner are its controller's; "" for a pod without one.
	OwnerKind, Owner string
	Mirror           bool // of a static pod: nobody evicts it
	LocalData        bool // holds an emptyDir, which goes with it
	Ending           bool // deletion has begun
	Created          time.Time
	Requests         Resources
	// Unscheduled is why the scheduler finds no node for it, as it says.
	Unscheduled string
}

// Ended says that nothing of it runs any more.
func (p Pod) Ended() bool { return p.Phase == "Succeeded" || p.Phase == "Failed" }

// OfNode says that it comes and goes with its node, and starts nowhere else.
func (p Pod) OfNode() bool { return p.Mirror || p.OwnerKind == "DaemonSet" }

// OfRun says that it is part of an execution of Domino.
func (p Pod) OfRun() bool { return p.Labels[ExecutionLabel] != "" || p.Labels[WorkloadLabel] != "" }

// Nodes is the part of Kubernetes that nodes are rolled by. Every list is whole.
type Nodes interface {
	ListNodes(ctx context.Context) ([]Node, error)
	// ListPods answers all pods, or those of one node.
	ListPods(ctx context.Context, node string) ([]Pod, error)
	// SetCordoned expects the node as it was read: another UID is ErrNotFound, another
	// Version ErrState. by is noted on the node, and taken away with the cordon.
	SetCordoned(ctx context.Context, node Node, cordoned bool, by string) error
	// EvictPod asks for a pod's end by the Eviction API; ErrBudget where a budget does
	// not allow it, ErrNotFound where no pod of this UID is there.
	EvictPod(ctx context.Context, pod Pod) error
}
