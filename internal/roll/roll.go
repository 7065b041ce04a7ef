// Package roll replaces the machines of what starts others by then: the long operations
// roll.group, roll.nodegroup, roll.nodeclass and roll.executors as Executors. Those on the old
// image are cordoned, or put into maintenance, emptied of what may move, and ended once no live
// run is on them; how many at once, and whether replacements come first, the plan says.
//
// Which write comes next is told from the outside alone: instances by their image, nodes
// by whether they are ready and by whom they were cordoned, runs by their pods and by
// Domino. It never ends a node with a live run unless the plan forces it after a
// deadline, and leaves nodes alone of which nobody tells the image.
// internal/engine hands it to the applier.
package roll

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"strings"
	"sync"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Outside is what of AWS a roll calls.
type Outside interface {
	port.GroupInstances
	port.NodegroupVersions
	port.CloudWatch
	DescribeAutoScalingGroups(ctx context.Context, names []string) ([]port.AutoScalingGroup, error)
	UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error
	DescribeInstances(ctx context.Context, q port.Select) ([]port.Instance, error)
	DescribeLaunchTemplates(ctx context.Context, ids []string) ([]port.LaunchTemplate, error)
	DescribeLaunchTemplateVersions(ctx context.Context, template string, numbers []int64) ([]port.LaunchTemplateVersion, error)
	DescribeLaunchConfigurations(ctx context.Context, names []string) ([]port.LaunchConfiguration, error)
	DescribeNodegroup(ctx context.Context, cluster, name string) (port.NodeGroup, error)
}

// Karpenter is what of its objects a roll calls.
type Karpenter interface {
	ListNodePools(ctx context.Context) ([]port.NodePool, error)
	ListNodeClasses(ctx context.Context) ([]port.NodeClass, error)
	ListNodeClaims(ctx context.Context) ([]port.NodeClaim, error)
	HoldDrift(ctx context.Context, pool port.NodePool, by string) error
	SetImageTerms(ctx context.Context, class port.NodeClass, terms, family string) error
	DeleteNodeClaim(ctx context.Context, claim port.NodeClaim) error
}

// Census tells of all live runs.
type Census interface {
	ListExecutions(ctx context.Context) ([]port.Execution, error)
}

// Roller rolls groups. Outside, Nodes and Now are required to roll one; without Nodes it
// says that nobody tells what runs where. Census nil: runs are told by their pods alone.
type Roller struct {
	Outside Outside
	Nodes   port.Nodes
	// Karpenter starts and ends nodes, in the place of a group; nil: it cannot be asked.
	Karpenter Karpenter
	Census    Census
	// Classic tells of the executors of a classic deployment, which Machines writes to; nil:
	// there are none.
	Classic  Classic
	Machines Machines
	Now      func() time.Time
	// Single has the operations of one call, of which one switches a class, and one takes the
	// switch of a group back; nil: no class is switched, and a roll that fails leaves the switch.
	Single func(op string) (applier.Executor, bool)

	heard sync.Map // what this process alone knows: time.Time of a switch that does not show, by step; the id of an update, by token; refusal, by pod; shortage, by ofShortage
}

// Operations are the rows of the operation table that stand here.
func (r *Roller) Operations() applier.Operations {
	return applier.Operations{
		operation.RollGroup: {Executor: rolling{r}, Again: again, Tool: "aws", Command: byHand,
			Calls: []string{"autoscaling:UpdateAutoScalingGroup", "autoscaling:TerminateInstanceInAutoScalingGroup", "autoscaling:StartInstanceRefresh", "autoscaling:CancelInstanceRefresh", "ec2:ModifyLaunchTemplate", "SetCordoned", "EvictPod"}},
		operation.RollExecutors: {Executor: executing{r}, Again: again, Tool: "aws", Command: byHandExecutors, Calls: []string{"UpdateOne", "ec2:TerminateInstances"}},
		operation.RollNodeClass: {Executor: classing{r}, Tool: "kubectl", Command: byHand,
			Calls: []string{"HoldDrift", "SetImageTerms", "SetCordoned", "EvictPod", "DeleteNodeClaim"}},
		operation.RollNodeGroup: {Executor: managing{r}, Undo: undoManaged, Tool: "aws", Command: byHand, Calls: []string{"eks:UpdateNodegroupVersion", "SetCordoned"}},
	}
}

func byHand(applier.Manual) string {
	return `echo "domctl replaces nodes by itself: cordon each on the old image, wait until no run is on it, and terminate it" >&2; exit 1`
}

func byHandExecutors(applier.Manual) string {
	return `echo "domctl replaces executors by itself: put each on the old image into maintenance in Domino, wait until no run is on it, and terminate it" >&2; exit 1`
}

// again is the same roll to the image before, for after what made groups start the new
// one is taken back. Of a roll that was not done only the nodes of the new image go: others
// may be there that it never came to. A roll without a switch has nothing to go back to.
func again(was planner.Step, done bool) []planner.Step {
	if was.Args["image"] == was.Args["from"] {
		return nil
	}
	s := was
	s.ID, s.After, s.Gates, s.Args = "undo/"+s.ID, nil, nil, maps.Clone(was.Args)
	s.Args["image"], s.Args["from"] = was.Args["from"], was.Args["image"]
	delete(s.Args, "switch") // a way back that fails is not turned round
	if done {
		return []planner.Step{s}
	}
	s.Args["only"] = s.Args["from"]
	var r schema.Roll
	if err := json.Unmarshal([]byte(s.Args["roll"].Text), &r); err == nil {
		s.Args["roll"] = schema.JSON(picking(r))
	}
	return []planner.Step{s}
}

// picking is a roll that can leave nodes alone, which an instance refresh cannot.
func picking(r schema.Roll) schema.Roll {
	if r.Strategy == schema.InstanceRefresh {
		missing, beside := r.Unavailable(), r.Most()
		r.Strategy, r.MaxUnavailable, r.MaxSurge = schema.Surge, &missing, &beside
	}
	return r
}

// How long things may take before they count as failed, and how long a node stands
// cordoned before it is believed that nothing more is put there.
const (
	mostReady = 15 * time.Minute // from an instance's launch until its node is ready
	mostStart = 15 * time.Minute // until a group has started what it was asked for
	quiet     = 30 * time.Second // a pod that was bound before the cordon shows by then
	retry     = 30 * time.Second // before a pod is asked to go again
	look      = 10 * time.Second // between looks at what is under way

	updateShows = time.Minute // of a node group, that it is updating
	switchShows = time.Minute // of a group, which image it starts
	changeShows = time.Minute // of a group, its capacity
)

// order is what a step asks for.
type order struct {
	applier.Attempt
	schema.Roll
	asg         string
	image, from string
	undoing     bool          // of the nodes, only those of the image from go
	meant       []string      // images that are wanted where no one is; nil: that is not told
	drain       time.Duration // 0: however long runs take
	owner       string        // what its cordons begin with
}

func orderOf(a applier.Attempt) (o order, err error) {
	o = order{Attempt: a, asg: a.Step.Object.ID(), image: a.Step.Args["image"].Str(), from: a.Step.Args["from"].Str(), owner: cordonNote + a.Token[:min(16, len(a.Token))]}
	o.undoing = a.Step.Args["only"].Str() != ""
	if err := json.Unmarshal([]byte(a.Step.Args["roll"].Text), &o.Roll); err != nil {
		return o, fmt.Errorf("%s: the plan does not say how to roll: %w", a.Step.ID, err)
	}
	if strings.HasPrefix(a.Step.ID, "undo/") { // an alarm rings in what is taken back
		o.Alarms = nil
		if o.Force { // nobody was told of runs that the way back would end
			o.Force, o.DrainTimeout = false, ""
		}
	}
	if o.DrainTimeout != "" {
		o.drain, err = schema.ParseDuration(o.DrainTimeout)
	}
	return o, err
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func parseTime(text string) (time.Time, error) { return time.Parse(time.RFC3339, text) }

// by is what a cordon notes: who, and when.
func (o order) by(now time.Time) string {
	return o.owner + " " + stamp(now)
}

// cordoned says that this step cordoned a node, and when; the zero time where the note
// does not tell.
func (o order) cordoned(n *port.Node) (at time.Time, own bool) {
	if n == nil || !n.Cordoned {
		return at, false
	}
	when, own := strings.CutPrefix(n.CordonedBy, o.owner+" ")
	if own {
		at, _ = time.Parse(time.RFC3339, when)
	}
	return at, own
}

// cordonNote begins what a roll's cordon notes on a node, and its hold of drift on a NodePool.
const cordonNote = "domctl "

// Cordoned says that a roll made a cordon, or a hold of drift, by its note.
func Cordoned(note string) bool { return strings.HasPrefix(note, cordonNote) }

// Deadline is when a step, as far as it was begun, waits no longer for the runs of a node
// whose cordon has this note: where force, it ends the node with them, else it stops where
// it is. own is false of another's cordon; at is zero of a step that waits however long runs
// take, and of one that is turned back: that ends none.
func Deadline(a applier.Attempt, note string) (at time.Time, force, own bool) {
	if op := a.Step.Op; op != operation.RollGroup && op != operation.RollNodeGroup && op != operation.RollNodeClass {
		return at, false, false
	}
	o, err := orderOf(a)
	if err != nil {
		return at, false, false
	}
	since, own := o.cordoned(&port.Node{Cordoned: true, CordonedBy: note})
	if !own || o.drain == 0 || since.IsZero() || pastOf(a).why != "" {
		return at, false, own
	}
	return since.Add(o.drain), o.Force, true
}

func next(mark string, guard planner.Guard) applier.Status {
	return applier.Status{State: applier.Next, Mark: mark, Guard: guard}
}

func pending(wait time.Duration, format string, args ...any) applier.Status {
	return applier.Status{State: applier.Pending, Wait: wait, Why: fmt.Sprintf(format, args...)}
}

func failed(format string, args ...any) applier.Status {
	return applier.Status{State: applier.Failed, Why: fmt.Sprintf(format, args...)}
}
