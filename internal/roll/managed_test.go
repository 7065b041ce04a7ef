package roll

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// nodegroup is what a managed node group of the town holds.
type nodegroup struct {
	number  int64
	updates []port.NodegroupUpdate
	tokens  map[string]string
	to      int64
	broke   bool
}

// updating replaces one old node at a time, whatever runs there.
func (w *town) updating() {
	if len(w.updates) == 0 || w.updates[0].Status != "InProgress" {
		return
	}
	u := &w.updates[0]
	switch age := w.now.Sub(u.Created); {
	case w.broke && age > time.Minute:
		u.Status, u.Errors = "Failed", []string{"PodEvictionFailure"}
	case age > 2*time.Minute:
		u.Status, w.number = "Successful", w.to
		w.group.Version = fmt.Sprint(w.to)
		for _, m := range w.alive() {
			if m.Version != fmt.Sprint(w.to) { // of whatever image
				w.end(m, "updated")
			}
		}
	}
}

func (w *town) DescribeNodegroup(_ context.Context, cluster, name string) (port.NodeGroup, error) {
	g := port.NodeGroup{Cluster: cluster, Name: name, Status: "ACTIVE", Version: w.number, Groups: []string{"gpu-a"}}
	if len(w.updates) > 0 && w.updates[0].Status == "InProgress" {
		g.Status = "UPDATING"
	}
	return g, w.fails("DescribeNodegroup")
}

func (w *town) UpdateNodegroupVersion(_ context.Context, _, _, token string, version int64, force bool) (string, error) {
	if id := w.tokens[token]; id != "" {
		return id, nil
	}
	id := fmt.Sprintf("update-%d", len(w.updates)+1)
	w.calls = append(w.calls, fmt.Sprintf("update to %d %v", version, force))
	w.updates = append([]port.NodegroupUpdate{{ID: id, Status: "InProgress", Created: w.now}}, w.updates...)
	w.tokens, w.to = map[string]string{token: id}, version
	return id, nil
}

func (w *town) DescribeUpdate(_ context.Context, _, _, update string) (port.NodegroupUpdate, error) {
	for _, u := range w.updates {
		if u.ID == update {
			return u, nil
		}
	}
	return port.NodegroupUpdate{}, port.ErrNotFound
}

func managedTown(t *testing.T, roll schema.Roll) (*town, *driver) {
	w := newTown(3)
	w.group.Version, w.number = "1", 1
	d := newDriver(t, w, roll)
	d.a.Step.Op, d.a.Step.Object = operation.RollNodeGroup, "eks/nodegroup#sim/workers"
	d.a.Step.Args["version"] = schema.JSON("2")
	return w, d
}

// TestAManagedGroup is updated once no run is on an old node, and by one update wherever
// the process dies.
func TestAManagedGroup(t *testing.T) {
	for n := range 20 {
		w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
		w.busy(1, 50*time.Minute)
		calls := 0
		d.crash = func() bool { calls++; return calls == n }
		d.ends(t, applier.Finished, "")
		if got := fmt.Sprint(w.calls); w.images() != "ami-2 ami-2 ami-2" || strings.Count(got, "update") != 1 || w.now.Sub(d.a.Began) < 45*time.Minute {
			t.Errorf("%d: %s, %s", n, w.images(), got)
		}
	}
}

// TestAManagedGroupThatFails has its cordons lifted, and says why.
func TestAManagedGroupThatFails(t *testing.T) {
	for _, dies := range []bool{false, true} {
		w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
		w.broke = true
		d.crash = func() bool {
			return dies && len(w.updates) > 0 && w.updates[0].Status == "Failed" && d.r != nil && w.chance(2) == 1
		}
		d.ends(t, applier.Failed, "DC837")
		d.ends(t, applier.Failed, "PodEvictionFailure")
	}
}

// TestAManagedGroupForced ends the runs that outlast their time, where the plan says so.
func TestAManagedGroupForced(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand, DrainTimeout: "1h", Force: true})
	w.busy(1, 50*time.Hour)
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || len(w.killed) != 1 || !strings.Contains(fmt.Sprint(w.calls), "update to 2 true") {
		t.Errorf("%+v, %v, %v, %v", st, err, w.killed, w.calls)
	}
	w, d = managedTown(t, schema.Roll{Strategy: schema.OnDemand, DrainTimeout: "1h"})
	w.busy(1, 50*time.Hour)
	d.ends(t, applier.Failed, "DC835")
}

// TestAManagedGroupAborted has no cordon left, and no update.
func TestAManagedGroupAborted(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
	w.busy(1, 50*time.Minute)
	d.each = func() { d.abort = w.cordons() == 3 || d.abort }
	d.ends(t, applier.Undone, "")
	if len(w.updates) > 0 || w.images() != "ami-1 ami-1 ami-1" {
		t.Errorf("%v", w.calls)
	}
}

// TestAManagedGroupWhoseAlarmRings stops before EKS is asked for anything: nothing is switched.
func TestAManagedGroupWhoseAlarmRings(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand, Alarms: []string{"errors"}})
	w.alarms = map[string]string{"errors": "OK"}
	w.busy(1, 50*time.Minute)
	d.each = func() {
		if w.cordons() == 3 {
			w.alarms["errors"] = "ALARM"
		}
	}
	d.ends(t, applier.Failed, "DC838: alarm errors of CloudWatch rings: too many errors; its cordons are lifted")
	if len(w.updates) > 0 || w.cordons() > 0 || w.images() != "ami-1 ami-1 ami-1" {
		t.Errorf("%d cordoned, %v", w.cordons(), w.calls)
	}
}
