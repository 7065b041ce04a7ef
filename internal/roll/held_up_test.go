package roll

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// TestABudgetThatNeverAllows is obeyed: the roll waits, and stops where a time is stated.
func TestABudgetThatNeverAllows(t *testing.T) {
	w, d := surging(t, 2)
	w.machines[0].pods = []port.Pod{{Namespace: "x", Name: "db", UID: "db", Node: "ip-i-001", Phase: "Running", OwnerKind: "StatefulSet", Owner: "db"}}
	w.budget["db"] = true
	d.waits(t, 3*time.Hour, "pod x/db")
	if strings.Contains(fmt.Sprint(w.calls), "terminate i-001") {
		t.Errorf("%v", w.calls)
	}
	w.budget["db"] = false
	d.ends(t, applier.Finished, "")

	w = newTown(2)
	w.machines[0].pods = []port.Pod{{Namespace: "x", Name: "db", UID: "db", Node: "ip-i-001", Phase: "Running", OwnerKind: "StatefulSet", Owner: "db"}}
	w.budget["db"] = true
	d = newDriver(t, w, schema.Roll{Strategy: schema.Surge, DrainTimeout: "1h"})
	d.ends(t, applier.Failed, "DC835")
	if w.group.Desired != 2 {
		t.Errorf("%v", w.calls)
	}
}

// TestPodsOfANode: those of the node itself count for nothing, others are moved, one
// without a controller is waited for.
func TestPodsOfANode(t *testing.T) {
	w, d := surging(t, 1)
	pod := func(name, owner string) port.Pod {
		return port.Pod{Namespace: "x", Name: name, UID: name, Node: "ip-i-001", Phase: "Running", OwnerKind: owner}
	}
	mirror, done := pod("mirror", ""), pod("done", "")
	mirror.Mirror, done.Phase = true, "Succeeded"
	w.machines[0].pods = []port.Pod{pod("agent", "DaemonSet"), mirror, done, pod("web", "ReplicaSet"), pod("lone", "")}
	d.waits(t, time.Hour, "pod x/lone, which no controller would start again")
	w.machines[0].pods = slices.DeleteFunc(w.machines[0].pods, func(p port.Pod) bool { return p.Name == "lone" })
	d.ends(t, applier.Finished, "")
	if got := fmt.Sprint(w.calls); strings.Contains(got, "evict agent") || strings.Contains(got, "evict mirror") || !strings.Contains(got, "evict web") {
		t.Error(got)
	}
}

// TestARunThatOutlastsTheTime stops the roll; where the plan says so, it is ended.
func TestARunThatOutlastsTheTime(t *testing.T) {
	w := newTown(2)
	w.busy(0, 20*time.Hour)
	w.busy(1, 20*time.Hour)
	d := newDriver(t, w, schema.Roll{Strategy: schema.Surge, DrainTimeout: "2h"})
	d.ends(t, applier.Failed, "DC835")

	w = newTown(2)
	w.busy(0, 20*time.Hour)
	d = newDriver(t, w, schema.Roll{Strategy: schema.Surge, DrainTimeout: "2h", Force: true})
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || len(w.killed) != 1 || w.images() != "ami-2 ami-2" {
		t.Errorf("%+v, %v, %v, %s", st, err, w.killed, w.images())
	}
}

// TestKubernetesAwayHalfWay: nothing is known, so nothing is done, and nothing fails.
func TestKubernetesAwayHalfWay(t *testing.T) {
	for _, call := range []string{"ListNodes", "ListPods", "ListExecutions"} {
		w, d := surging(t, 3)
		d.each = func() {
			if strings.Contains(fmt.Sprint(w.calls), "cordon i-001 true") && w.broken["once"] == nil {
				w.broken[call], w.broken["once"] = errors.New("connection refused"), errors.New("")
			}
		}
		d.waits(t, 2*time.Hour, "does not answer")
		if got := fmt.Sprint(w.calls); got != "[desired 4 cordon i-001 true]" {
			t.Error(got)
		}
		delete(w.broken, call)
		d.ends(t, applier.Finished, "")
		if w.images() != "ami-2 ami-2 ami-2" {
			t.Errorf("%s, %v", w.images(), w.calls)
		}
	}
	w, d := surging(t, 3)
	w.broken["ListExecutions"] = port.ErrDenied
	if _, err := d.run(time.Hour); !errors.Is(err, port.ErrDenied) || !strings.HasPrefix(err.Error(), "DC848: Domino refuses to tell") || len(w.calls) > 0 {
		t.Errorf("%v, %v", err, w.calls)
	}
}

// TestHeldUp: what another has going on is waited for, and nothing is begun meanwhile.
func TestHeldUp(t *testing.T) {
	w, d := surging(t, 2)
	w.group.SuspendedProcesses = []string{"Launch"}
	d.waits(t, time.Hour, "the process Launch of gpu-a is suspended")
	w.group.SuspendedProcesses = nil
	w.refresh = []port.InstanceRefresh{{ID: "other", Status: "Baking"}}
	d.waits(t, time.Hour, "instance refresh other of gpu-a is Baking")
	if len(w.calls) > 0 {
		t.Errorf("%v", w.calls)
	}
	w.refresh[0].Status = "Successful"
	w.machines[0].Protected = true
	d.waits(t, 3*time.Hour, "i-001) is protected from scale-in")
	if w.images() != "ami-1 ami-2" {
		t.Errorf("%s, %v", w.images(), w.calls)
	}
	w.machines[0].Protected, w.machines[0].Lifecycle = false, "Standby"
	w.group.Desired = 1
	d.waits(t, 3*time.Hour, "stands by")
	w.machines[0].Lifecycle = "InService"
	w.group.Desired = 2
	d.ends(t, applier.Finished, "")
}

// TestAWindow: nodes are begun while it is open.
func TestAWindow(t *testing.T) {
	w := newTown(2)
	d := newDriver(t, w, schema.Roll{Strategy: schema.Surge, Window: "night", Hours: &schema.Window{Days: []string{"sun"}, From: "22:00", To: "23:00", Timezone: "UTC"}})
	d.waits(t, time.Hour, "window night, which opens 2026-11-29 22:00 UTC")
	if len(w.calls) > 0 {
		t.Errorf("%v", w.calls)
	}
	st, err := d.run(20 * time.Hour)
	if err != nil || st.State != applier.Finished || w.now.Hour() != 22 {
		t.Errorf("%+v, %v at %s", st, err, w.now)
	}
}

// TestANodeOfNoKnownImage is not touched, and said.
func TestANodeOfNoKnownImage(t *testing.T) {
	w, d := surging(t, 2)
	w.machines[0].image = ""
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || !strings.Contains(st.Outputs["left"].Text, "i-001") || w.images() != " ami-2" {
		t.Errorf("%+v, %v, %s", st, err, w.images())
	}
}

// TestNodesThatNameNoInstance: what runs on an instance is not known then, and it is ended
// by no strategy; Fargate's nodes are none.
func TestNodesThatNameNoInstance(t *testing.T) {
	for _, strategy := range []string{schema.OnDemand, schema.Surge, schema.InstanceRefresh} {
		w := newTown(2)
		d := newDriver(t, w, schema.Roll{Strategy: strategy})
		w.busy(0, 24*time.Hour)
		w.busy(1, 24*time.Hour)
		w.nameless = true
		st, err := d.run(10 * time.Hour)
		if calls := fmt.Sprint(w.calls); err != nil || st.State == applier.Finished || len(w.killed) > 0 || strings.Contains(calls, "terminate") || strings.Contains(calls, "refresh") {
			t.Errorf("%s: %+v, %v, killed %v, %v", strategy, st, err, w.killed, w.calls)
		}
	}
}
