package roll

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestAManagedGroupWithANodeYetToJoin is not updated: EKS would drain it, and what came to
// it once it had joined.
func TestAManagedGroupWithANodeYetToJoin(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
	late := &machine{GroupInstance: port.GroupInstance{ID: "i-late", Lifecycle: "Pending", Healthy: true}, image: "ami-1", launched: w.now, service: 20 * time.Second, gone: 30 * time.Second}
	w.machines = append(w.machines, late)
	w.group.Desired = 4
	w.each = func() { late.launched = w.now.Add(-30 * time.Second) } // slow to boot
	d.waits(t, 10*time.Minute, "i-late")
	if len(w.updates) > 0 {
		t.Errorf("updated with a node yet to join: %v", w.calls)
	}
}

// TestARefreshWithANodeYetToJoin the same.
func TestARefreshWithANodeYetToJoin(t *testing.T) {
	w := newTown(2)
	d := newDriver(t, w, schema.Roll{Strategy: schema.InstanceRefresh})
	late := &machine{GroupInstance: port.GroupInstance{ID: "i-late", Lifecycle: "InService", Healthy: true}, image: "ami-1", launched: w.now, gone: 30 * time.Second}
	w.machines = append(w.machines, late)
	w.group.Desired = 3
	w.each = func() { late.launched = w.now.Add(-30 * time.Second) }
	d.waits(t, 10*time.Minute, "i-late")
	if len(w.refresh) > 0 {
		t.Errorf("refreshed with a node yet to join: %v", w.calls)
	}
}

// TestARefreshOfOthersVersions: AWS replaces all that are not of the group's version.
func TestARefreshOfOthersVersions(t *testing.T) {
	for name, spoil := range map[string]func(m *machine){"unknown image": func(m *machine) { m.image = "" }, "other version": func(m *machine) { m.image, m.Version = "ami-2", "0" }} {
		w := newTown(2)
		d := newDriver(t, w, schema.Roll{Strategy: schema.InstanceRefresh})
		spoil(w.machines[0])
		w.busy(0, 100*time.Hour)
		st, err := d.run(2 * time.Hour)
		if len(w.refresh) > 0 {
			t.Errorf("%s: %+v %v: refresh begun with a live run: %v", name, st, err, w.calls)
		}
	}
}

// TestUnitsWithoutAMachine of a cluster that has another on one.
func TestUnitsWithoutAMachine(t *testing.T) {
	for name, live := range map[string]port.Execution{
		"a worker":           {ID: "r", Status: "Running", Units: []port.ExecutionUnit{{Role: "spark-master", Node: "i-0aaa"}, {Role: "spark-worker", Status: "Running"}}},
		"no instance's name": {ID: "r", Status: "Running", Units: []port.ExecutionUnit{{Role: "run", Node: "ip-10-0-0-1.internal"}}},
	} {
		_, lost := byMachine([]port.Execution{live})
		if len(lost) == 0 {
			t.Errorf("%s: could be on any executor", name)
		}
	}
}

// TestACapacityThatAnotherMoved is neither what it was nor what was asked for: it is not
// waited for without end.
func TestACapacityThatAnotherMoved(t *testing.T) {
	for _, desired := range []int64{4, 5} {
		w, d := surging(t, 3)
		w.group.Max = 9
		w.pass(time.Minute)
		d.a.Begun[changeMark(raise, 3, 6, 0, w.now)] = true
		w.group.Desired = desired
		d.segment()
		d.ends(t, applier.Finished, "")
		if strings.Contains(w.images(), "ami-1") {
			t.Errorf("%s, %v", w.images(), w.calls)
		}
	}
}

// TestANewNodeThatBlinks does not turn a roll back.
func TestANewNodeThatBlinks(t *testing.T) {
	w, d := surging(t, 3)
	w.busy(1, 5*time.Hour)
	w.busy(2, 5*time.Hour)
	var first *machine
	d.each = func() {
		if first == nil {
			for _, m := range w.machines {
				if m.image == "ami-2" && w.ready(m) && w.now.Sub(m.launched) > time.Hour {
					first = m
					m.never, m.since = true, w.now
					w.each = func() { m.never = w.now.Sub(m.since) < 30*time.Second }
				}
			}
		}
	}
	st, err := d.run(20 * time.Hour)
	if err != nil || st.State != applier.Finished || first == nil {
		t.Errorf("%+v, %v, %v", st, err, w.calls)
	}
}

// TestARunOnAClaimWhoseNodeIsGone is live: Domino says so.
func TestARunOnAClaimWhoseNodeIsGone(t *testing.T) {
	w := newKarpenter(2, false, false)
	w.chance = func(n int) int { return n - 1 }
	d := classDriver(t, w, onDemand(1))
	away := &unlisted{town: w, id: "i-001"}
	w.busy(0, 100*time.Hour)
	d.roller = func() *Roller {
		return &Roller{Outside: w, Nodes: away, Karpenter: w, Census: away, Now: func() time.Time { return w.now }, Single: w.single}
	}
	d.restart()
	st, err := d.run(5 * time.Hour)
	t.Logf("%+v %v", st, err)
	if len(w.killed) > 0 {
		t.Errorf("killed %v", w.killed)
	}
}

type unlisted struct {
	*town
	id string
}

func (u *unlisted) ListNodes(ctx context.Context) ([]port.Node, error) {
	all, err := u.town.ListNodes(ctx)
	return slices.DeleteFunc(all, func(n port.Node) bool { return n.Instance == u.id }), err
}

// ListExecutions name the Kubernetes node.
func (u *unlisted) ListExecutions(context.Context) (all []port.Execution, err error) {
	for _, r := range u.runs {
		all = append(all, port.Execution{ID: r.id, Status: "Running", Units: []port.ExecutionUnit{{Node: "ip-" + r.on, Status: "Running"}}})
	}
	return all, nil
}

// TestARunOnAnInstanceWhoseNodeIsGone the same, of a group.
func TestARunOnAnInstanceWhoseNodeIsGone(t *testing.T) {
	w, d := surging(t, 2)
	away := &unlisted{town: w, id: "i-001"}
	w.busy(0, 100*time.Hour)
	d.roller = func() *Roller {
		return &Roller{Outside: w, Nodes: away, Karpenter: w, Census: away, Now: func() time.Time { return w.now }, Single: w.single}
	}
	d.restart()
	st, err := d.run(5 * time.Hour)
	t.Logf("%+v %v", st, err)
	if len(w.killed) > 0 {
		t.Errorf("killed %v", w.killed)
	}
}

// TestTheWayBackOfExecutorsToldByTheirImage leaves those of another tier that starts it too.
func TestTheWayBackOfExecutorsToldByTheirImage(t *testing.T) {
	y := newYard(2)
	for _, c := range y.cars {
		c.Tier = ""
	}
	other := y.start() // of another tier, which is on ami-2 for long
	other.Tier = ""
	y.sharing = map[string][]string{"ami-2": {"large"}}
	of := mappedExecutors()
	of.Alone = true
	d := newYardDriver(t, y, schema.Roll{}, of)
	d.ends(t, applier.Finished, "")
	y.image = "ami-1"
	d.a.Step = again(d.a.Step, true)[0]
	d.a.Begun, d.a.Apply = map[string]bool{}, "apply2"
	y.pass(time.Minute)
	d.segment()
	st, err := d.run(5 * time.Hour)
	t.Logf("%+v %v", st, err)
	if other.Going() {
		t.Errorf("ended the executor of another tier: %v", y.calls)
	}
}

// TestAManagedGroupThatSomebodyUpdates meanwhile is not updated over it.
func TestAManagedGroupThatSomebodyUpdates(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
	d.a.Step.Expects = []planner.Expect{{Ref: d.a.Step.Object, Path: "version", Value: schema.JSON("1")}}
	w.image[3] = "ami-3"
	w.busy(1, 2*time.Hour)
	d.waits(t, 30*time.Minute, "run1")
	w.number, w.group.Version = 3, "3"
	d.ends(t, applier.Failed, "DC832")
	if len(w.updates) > 0 {
		t.Errorf("wrote over somebody's update: %v", w.calls)
	}
}

// TestAWarmNodeThatRuns joined the cluster, and is cordoned before it goes.
func TestAWarmNodeThatRuns(t *testing.T) {
	w, d := surging(t, 1)
	warm := &machine{GroupInstance: port.GroupInstance{ID: "i-warm", Lifecycle: "Warmed:Running"}, image: "ami-1", launched: w.now.Add(-time.Hour)}
	w.machines = append(w.machines, warm)
	d.roller = func() *Roller {
		return &Roller{Outside: w, Nodes: &warmed{w}, Karpenter: w, Census: w, Now: func() time.Time { return w.now }, Single: w.single}
	}
	d.restart()
	st, err := d.run(5 * time.Hour)
	if err != nil || st.State != applier.Finished {
		t.Errorf("%+v %v %v", st, err, w.calls)
	}
}

type warmed struct{ *town }

func (u *warmed) ListNodes(ctx context.Context) ([]port.Node, error) {
	all, err := u.town.ListNodes(ctx)
	for _, m := range u.machines {
		if m.alive() && m.Lifecycle == "Warmed:Running" {
			all = append(all, port.Node{Name: "ip-" + m.ID, UID: "uid-" + m.ID, Version: fmt.Sprint(m.version), Instance: m.ID, Cordoned: m.cordoned, CordonedBy: m.by, Ready: true})
		}
	}
	return all, err
}

// TestNoCapacityForTheSecond of two replacements is told as for the first.
func TestNoCapacityForTheSecond(t *testing.T) {
	w := newTown(3)
	d := newDriver(t, w, schema.Roll{Strategy: schema.Surge, MaxSurge: ptr(2)})
	d.each = func() {
		if strings.Contains(fmt.Sprint(w.calls), "terminate") {
			w.capacity = 4
		}
	}
	w.busy(1, time.Hour)
	w.busy(2, time.Hour)
	st, err := d.run(30 * time.Hour)
	t.Logf("%+v %v %v %s desired %d", st, err, w.calls, w.images(), w.group.Desired)
	if st.State == applier.Pending {
		t.Errorf("never ends")
	}
}

// TestAnInstanceThatIsNotListedYet: the capacity that a roll raised is not lowered while the
// instance that it asked for may only not show yet: AWS would end another in its place.
func TestAnInstanceThatIsNotListedYet(t *testing.T) {
	for n := range 12 {
		w, d := surging(t, 2)
		w.listed, w.service = []time.Duration{2 * time.Second, 15 * time.Second}[n%2], []time.Duration{20 * time.Second, 5 * time.Minute}[n/2%2]
		w.busy(0, 30*time.Hour)
		w.busy(1, 30*time.Hour)
		var raised time.Time
		d.each = func() {
			if raised.IsZero() && w.group.Desired == 3 {
				raised = w.now
			}
			if !raised.IsZero() && w.now.Sub(raised) >= time.Duration(n)*2*time.Second {
				d.abort = true
			}
		}
		st, err := d.run(3 * time.Hour)
		if err != nil || st.State != applier.Undone || len(w.killed) > 0 || w.group.Desired != 2 || w.cordons() > 0 {
			t.Errorf("%d: %+v, %v: desired %d, killed %v, %v", n, st, err, w.group.Desired, w.killed, w.calls)
		}
	}
}
