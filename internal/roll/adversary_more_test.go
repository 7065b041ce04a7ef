package roll

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// otherwise is a town whose answers are spoilt.
type otherwise struct {
	*town
	group func(g *port.NodeGroup)
	nodes func(all []port.Node) []port.Node
	pods  func(all []port.Pod) []port.Pod
	lists func(all []port.GroupInstance) []port.GroupInstance
}

func (o *otherwise) DescribeNodegroup(ctx context.Context, cluster, name string) (port.NodeGroup, error) {
	g, err := o.town.DescribeNodegroup(ctx, cluster, name)
	if o.group != nil {
		o.group(&g)
	}
	return g, err
}

func (o *otherwise) ListNodes(ctx context.Context) ([]port.Node, error) {
	all, err := o.town.ListNodes(ctx)
	if o.nodes != nil {
		all = o.nodes(all)
	}
	return all, err
}

func (o *otherwise) ListPods(ctx context.Context, node string) ([]port.Pod, error) {
	all, err := o.town.ListPods(ctx, node)
	if o.pods != nil {
		all = o.pods(all)
	}
	return all, err
}

func (o *otherwise) DescribeAutoScalingInstances(ctx context.Context, groups []string) ([]port.GroupInstance, error) {
	all, err := o.town.DescribeAutoScalingInstances(ctx, groups)
	if o.lists != nil {
		all = o.lists(all)
	}
	return all, err
}

func (d *driver) spoil(o *otherwise) {
	d.roller = func() *Roller {
		return &Roller{Outside: o, Nodes: o, Karpenter: o, Census: o, Now: func() time.Time { return o.now }, Single: o.single}
	}
	d.restart()
}

// TestAPodThatComesBack to its node, cordoned or not, is not evicted without end.
func TestAPodThatComesBack(t *testing.T) {
	w, d := surging(t, 2)
	born := w.now
	n := 0
	typha := func() port.Pod {
		n++
		return port.Pod{Namespace: "kube-system", Name: fmt.Sprintf("typha-%d", n), UID: fmt.Sprintf("t%d", n), Node: "ip-i-001", Phase: "Running", OwnerKind: "ReplicaSet", Owner: "typha", Created: born}
	}
	w.machines[0].pods = []port.Pod{typha()}
	w.each = func() {
		if m := w.machines[0]; m.ID == "i-001" && m.alive() && len(m.pods) == 0 {
			born = w.now
			m.pods = []port.Pod{typha()}
		}
	}
	w.busy(0, 2*time.Hour)
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || strings.Count(fmt.Sprint(w.calls), "evict") > 3 {
		t.Errorf("%+v, %v: %d evictions", st, err, strings.Count(fmt.Sprint(w.calls), "evict"))
	}
}

// TestTwoNodesOfOneInstance: what is on either is on the instance.
func TestTwoNodesOfOneInstance(t *testing.T) {
	w, d := surging(t, 2)
	w.busy(0, 100*time.Hour)
	w.busy(1, 100*time.Hour)
	d.spoil(&otherwise{town: w, nodes: func(all []port.Node) []port.Node {
		return append(all, port.Node{Name: "gone-i-001", UID: "x", Version: "1", Instance: "i-001", Cordoned: true})
	}})
	d.waits(t, 3*time.Hour, "nodes ip-i-001 and gone-i-001, which both name this instance")
	if len(w.killed) > 0 {
		t.Errorf("killed %v", w.killed)
	}
}

// TestADetachedInstance has its cordon lifted: it is of the group no more.
func TestADetachedInstance(t *testing.T) {
	w, d := surging(t, 2)
	w.busy(0, 100*time.Hour)
	w.busy(1, 30*time.Minute)
	o := &otherwise{town: w}
	d.spoil(o)
	d.each = func() {
		if w.machines[0].cordoned && o.lists == nil {
			w.machines[0].Lifecycle = "Standby" // the town starts none in its place, nor ends it
			w.group.Desired--
			o.lists = func(all []port.GroupInstance) (rest []port.GroupInstance) {
				for _, i := range all {
					if i.ID != "i-001" {
						rest = append(rest, i)
					}
				}
				return rest
			}
		}
	}
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || w.cordons() > 0 {
		t.Errorf("%+v, %v, %d cordoned: %v", st, err, w.cordons(), w.calls)
	}
}

// TestANodeThatWasDeadBefore on the new image keeps no roll from its end.
func TestANodeThatWasDeadBefore(t *testing.T) {
	w := newTown(2)
	dead := &machine{GroupInstance: port.GroupInstance{ID: "i-dead", Group: "gpu-a", Lifecycle: "InService", Healthy: true, Template: "lt-1", Version: "2"}, image: "ami-2", launched: w.now.Add(-48 * time.Hour), never: true, gone: 30 * time.Second}
	w.machines = append(w.machines, dead)
	w.group.Desired, w.group.Max = 3, 9
	d := newDriver(t, w, schema.Roll{Strategy: schema.Surge})
	st, err := d.run(20 * time.Hour)
	if err != nil || st.State != applier.Finished || strings.Contains(w.images(), "ami-1") || !dead.alive() {
		t.Errorf("%+v, %v: %s, %v", st, err, w.images(), w.calls)
	}
}

// TestAForgedSwitch is none: what a plan says to take the image back by writes the image alone,
// of the group that is rolled.
func TestAForgedSwitch(t *testing.T) {
	for name, forge := range map[string]func(s *planner.Step){
		"sizes too":        func(s *planner.Step) { s.Writes["desired"] = schema.JSON(0) },
		"another group":    func(s *planner.Step) { s.Object = "asg/group#others" },
		"another template": func(s *planner.Step) { s.Op, s.Object = operation.ModifyLaunchTemplate, "ec2/template#lt-9" },
	} {
		w, d := surging(t, 2)
		var s planner.Step
		if err := json.Unmarshal([]byte(d.a.Step.Args["switch"].Text), &s); err != nil {
			t.Fatal(err)
		}
		forge(&s)
		d.a.Step.Args["switch"] = schema.JSON(s)
		w.dead = []string{"ami-2"}
		d.ends(t, applier.Failed, "DC833")
		if strings.Contains(fmt.Sprint(w.calls), "switch") {
			t.Errorf("%s: %v", name, w.calls)
		}
	}
}

// TestAGroupThatWasSuspended has its time to start instances from when it may again.
func TestAGroupThatWasSuspended(t *testing.T) {
	w, d := surging(t, 3)
	at := w.now
	d.each = func() {
		w.group.SuspendedProcesses = nil
		if since := w.now.Sub(at); w.group.Desired > 3 && since < 2*time.Hour {
			w.group.SuspendedProcesses = []string{"Launch"}
		}
	}
	d.ends(t, applier.Finished, "")
}

// TestAClassThatBlinks is not switched back: it is at fault for a moment, long after its switch.
func TestAClassThatBlinks(t *testing.T) {
	w := newKarpenter(3, false, false)
	w.chance = func(n int) int { return n - 1 }
	d := classDriver(t, w, onDemand(1))
	w.busy(0, 5*time.Hour)
	w.busy(1, 5*time.Hour)
	at := w.now
	w.each = func() {
		since := w.now.Sub(at)
		w.karp.fails, w.karp.since = since > time.Hour && since < time.Hour+30*time.Second, at.Add(time.Hour)
	}
	st, err := d.run(20 * time.Hour)
	if err != nil || st.State != applier.Finished || strings.Contains(w.images(), "ami-1") {
		t.Errorf("%+v, %v: %s, %v", st, err, w.images(), w.calls)
	}
}

// TestAnAbortWithoutDomino lifts the cordons: it ends no node, so that nobody needs to tell
// what runs there.
func TestAnAbortWithoutDomino(t *testing.T) {
	for _, why := range []error{port.ErrDenied, errors.New("away")} {
		_, d := surging(t, 3)
		_, dm := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
		k := newKarpenter(3, false, false)
		k.chance = func(n int) int { return n - 1 }
		for name, d := range map[string]*driver{"group": d, "managed": dm, "class": classDriver(t, k, onDemand(1))} {
			for i := range 3 {
				d.w.busy(i, 50*time.Hour)
			}
			d.each = func() {
				if d.w.cordons() > 0 {
					d.abort = true
					d.w.broken["ListExecutions"] = why
				}
			}
			waits := name == "group" && why != port.ErrDenied // to give back what it raised the capacity by
			if st, err := d.run(10 * time.Hour); err != nil || waits != (st.State == applier.Pending) || d.w.cordons() > 0 || len(d.w.killed) > 0 || !d.abort {
				t.Errorf("%s, %v: %+v, %v, %d cordoned, killed %v", name, why, st, err, d.w.cordons(), d.w.killed)
			}
		}
	}
}

// TestARefreshOfAnother that comes after this step's is not this step's to cancel.
func TestARefreshOfAnother(t *testing.T) {
	w := newTown(2)
	d := newDriver(t, w, schema.Roll{Strategy: schema.InstanceRefresh})
	theirs := false
	w.each = func() {
		if !theirs && len(w.refresh) == 1 && w.refresh[0].Status == "Successful" {
			theirs = true
			w.refresh = append([]port.InstanceRefresh{{ID: "theirs", Group: "gpu-a", Status: "InProgress", Started: w.now}}, w.refresh...)
			w.group.Desired++ // which is under way for long, as an instance does not come
			w.capacity = 2
		}
	}
	d.each = func() { d.abort = d.abort || theirs }
	st, err := d.run(time.Hour)
	if !theirs || err != nil || st.State != applier.Finished || !w.refresh[0].Live() {
		t.Errorf("%+v, %v: %+v, %v", st, err, w.refresh, w.calls)
	}
}

// TestASpareThatWasToGoWithItsRuns goes by a mark of its own: nobody forces it now.
func TestASpareThatWasToGoWithItsRuns(t *testing.T) {
	w, d := surging(t, 3)
	w.group.Desired = 4
	w.group.Version = "1"
	w.pass(10 * time.Minute)
	w.group.Version = "2"
	for _, m := range w.machines {
		d.a.Begun["terminate "+m.ID+" 2026-11-29T12:00:00Z 4 #1 forced"] = true
	}
	d.a.Begun["raise 3 4 #0 2026-11-29T12:00:00Z"] = true
	r := d.r
	f, err := r.look(t.Context(), "gpu-a", true)
	if err != nil {
		t.Fatal(err)
	}
	o, err := orderOf(d.a)
	if err != nil {
		t.Fatal(err)
	}
	b := turn{order: o, found: f, past: pastOf(d.a), r: r}.turned()
	for range 2 { // it is cordoned, and then goes
		st, more := b.give("")
		if !more || strings.Contains(st.Mark, "forced") {
			t.Fatalf("%+v", st)
		}
		for i, m := range b.members {
			if st.Mark == "cordon "+m.ID {
				b.members[i].node.Cordoned, b.members[i].node.CordonedBy = true, o.owner+" 2026-11-29T12:00:00Z"
			}
		}
	}
}

// TestALonelyDetachedInstance is the last of its group.
func TestALonelyDetachedInstance(t *testing.T) {
	w, d := surging(t, 1)
	w.group.Max = 1
	w.busy(0, 100*time.Hour)
	o := &otherwise{town: w}
	d.a.Step.Args["roll"] = schema.JSON(schema.Roll{Strategy: schema.OnDemand})
	d.spoil(o)
	d.each = func() {
		if w.machines[0].cordoned && o.lists == nil {
			w.machines[0].Lifecycle = "Standby"
			w.group.Desired = 0
			o.lists = func([]port.GroupInstance) []port.GroupInstance { return nil }
		}
	}
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || w.cordons() > 0 {
		t.Errorf("%+v, %v, %d cordoned: %v", st, err, w.cordons(), w.calls)
	}
}
