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

func surging(t *testing.T, nodes int64) (*town, *driver) {
	w := newTown(nodes)
	return w, newDriver(t, w, schema.Roll{Strategy: schema.Surge})
}

// TestANodeThatNeverGetsReady stops the roll, which takes away what it raised.
func TestANodeThatNeverGetsReady(t *testing.T) {
	w, d := surging(t, 3)
	w.dead = []string{"ami-2"}
	d.ends(t, applier.Failed, "DC833")
	if w.images() != "ami-1 ami-1 ami-1" || w.group.Desired != 3 || w.group.Version != "1" {
		t.Errorf("%s, desired %d, %v", w.images(), w.group.Desired, w.calls)
	}
	before := len(w.calls)
	if d.ends(t, applier.Failed, "DC833"); len(w.calls) > before {
		t.Errorf("looked at again, it wrote %v", w.calls[before:])
	}
	d.abort = true
	d.ends(t, applier.Undone, "")
}

// TestALaterNodeThatNeverGetsReady has the group start the old image again, and those that
// were replaced go in their turn.
func TestALaterNodeThatNeverGetsReady(t *testing.T) {
	w, d := surging(t, 3)
	d.each = func() {
		if slices.ContainsFunc(w.machines, func(m *machine) bool { return m.image == "ami-2" && w.ready(m) }) {
			w.dead = []string{"ami-2"}
		}
	}
	d.a.Step.After = []string{"nodePools.gpu/ec2.CreateLaunchTemplateVersion/lt-1", "nodePools.gpu/roll.group/gpu-0"}
	d.ends(t, applier.Failed, "It was turned back: gpu-a starts nodes from ami-1 again, and has no other. What was rolled before keeps its new nodes (gpu-0): domctl rollback --to apply1 replaces them. domctl apply --supersede apply1 lets go of it")
	if w.images() != "ami-1 ami-1 ami-1" || w.group.Desired != 3 || w.group.Version != "1" {
		t.Errorf("%s, desired %d, %v", w.images(), w.group.Desired, w.calls)
	}
}

// TestNoCapacity: what AWS does not start is asked for no longer, and no node has gone.
func TestNoCapacity(t *testing.T) {
	w, d := surging(t, 3)
	w.capacity = 3
	d.ends(t, applier.Failed, "DC834")
	if w.images() != "ami-1 ami-1 ami-1" || w.group.Desired != 3 {
		t.Errorf("%s, desired %d, %v", w.images(), w.group.Desired, w.calls)
	}
}

// TestAWSSaysWhy a group starts no instance: capacity or a quota, in its own words. Where it
// does not answer, the roll is turned back all the same.
func TestAWSSaysWhy(t *testing.T) {
	for _, says := range []string{"We currently do not have sufficient g5.2xlarge capacity in the Availability Zone you requested (us-west-2a). Launching EC2 instance failed.",
		"You have requested more vCPU capacity than your current vCPU limit of 32 allows. Launching EC2 instance failed.", ""} {
		w, d := surging(t, 3)
		w.capacity = 3
		w.activities = []port.FailedActivity{{Started: w.now, Message: says}}
		if says == "" {
			w.broken["FailedActivities"] = port.ErrDenied
		}
		d.ends(t, applier.Failed, "DC834: gpu-a has 3 of 4 instances")
		if st, err := d.run(time.Hour); err != nil || !strings.Contains(st.Why, says) || w.group.Version != "1" || w.group.Desired != 3 {
			t.Errorf("%+v, %v, %v", st, err, w.calls)
		}
	}
}

// TestASpotInterruption of a node that was ready is no failure of its image: the group
// replaces it, and the roll goes on; nor is a node that is not ready for a moment. One that
// stays so is.
func TestASpotInterruption(t *testing.T) {
	for _, strategy := range []string{schema.Surge, schema.OnDemand} {
		for _, image := range []string{"ami-1", "ami-2"} {
			w := newTown(3)
			w.busy(2, 2*time.Hour)
			d := newDriver(t, w, schema.Roll{Strategy: strategy})
			once := false
			d.each = func() {
				w.group.Desired = max(w.group.Desired, 2) // as who scales it would
				for _, m := range w.alive() {
					if m.image == image && m.ID != "i-003" && !once && w.ready(m) && (image == "ami-1" || w.now.Sub(d.a.Began) > 40*time.Minute) {
						m.taken, once = w.now, true
					}
				}
			}
			d.ends(t, applier.Finished, "")
			if !once || strings.Contains(w.images(), "ami-1") || w.group.Version != "2" {
				t.Errorf("%s %s: %v, %s, %v", strategy, image, once, w.images(), w.calls)
			}
		}
	}
	for minutes, want := range map[time.Duration]applier.State{5: applier.Finished, 60: applier.Failed} {
		w := newTown(3)
		w.busy(2, 2*time.Hour)
		d := newDriver(t, w, schema.Roll{Strategy: schema.Surge})
		var flaps *machine
		w.each = func() {
			for _, m := range w.alive() {
				if flaps == nil && m.image == "ami-2" && w.ready(m) && w.now.Sub(m.launched) > 30*time.Minute {
					flaps, m.unready = m, w.now
				}
			}
			if flaps != nil && w.now.Sub(flaps.unready) > minutes*time.Minute {
				flaps.unready = time.Time{}
			}
		}
		st, err := d.run(10 * time.Hour)
		if err != nil || st.State != want || flaps == nil || len(w.killed) > 0 {
			t.Errorf("%d: %+v, %v, %v", minutes, st, err, w.calls)
		}
	}
}

// TestAtItsMaximum: a group that has no room for a replacement says so.
func TestAtItsMaximum(t *testing.T) {
	w, d := surging(t, 3)
	w.group.Max = 3
	d.waits(t, time.Hour, "at its maximum of 3")
	if len(w.calls) > 0 {
		t.Errorf("%v", w.calls)
	}
}

// TestEndedByOthers: an old node that somebody ends, or that Spot takes, is one less; a
// new one is replaced by the group; the capacity is as before.
func TestEndedByOthers(t *testing.T) {
	for name, when := range map[string]string{"old": "desired 4", "cordoned": "cordon i-001 true", "later": "terminate i-001 true"} {
		for _, which := range []string{"ami-1", "ami-2"} {
			w, d := surging(t, 3)
			once := false
			d.each = func() {
				if once || !strings.Contains(fmt.Sprint(w.calls), when) {
					return
				}
				for _, m := range w.alive() {
					if m.image == which && !once {
						w.end(m, "interrupted")
						once = true
					}
				}
			}
			d.ends(t, applier.Finished, "")
			if w.images() != "ami-2 ami-2 ami-2" || w.group.Desired != 3 {
				t.Errorf("%s %s: %s, desired %d, %v", name, which, w.images(), w.group.Desired, w.calls)
			}
		}
	}
}

// TestSwitchedBackMeanwhile: a group that starts nodes from another image is rolled no
// further.
func TestSwitchedBackMeanwhile(t *testing.T) {
	w, d := surging(t, 3)
	d.each = func() {
		if strings.Contains(fmt.Sprint(w.calls), "terminate i-001") {
			w.group.Version = "1"
		}
	}
	d.ends(t, applier.Failed, "DC832")
	if w.images() != "ami-1 ami-1 ami-2" {
		t.Errorf("%s, %v", w.images(), w.calls)
	}
}

// TestWarmInstances of the old image would come into service, and go first.
func TestWarmInstances(t *testing.T) {
	w, d := surging(t, 1)
	w.machines = append(w.machines, &machine{GroupInstance: port.GroupInstance{ID: "i-warm", Lifecycle: "Warmed:Stopped"}, image: "ami-1", launched: w.now})
	d.ends(t, applier.Finished, "")
	if !strings.Contains(fmt.Sprint(w.calls), "terminate i-warm false") || w.images() != "ami-2" {
		t.Errorf("%s, %v", w.images(), w.calls)
	}
}

// TestARefreshThatFails is told; one that is aborted is cancelled.
func TestARefreshThatFails(t *testing.T) {
	w := newTown(2)
	w.dead = []string{"ami-2"}
	d := newDriver(t, w, schema.Roll{Strategy: schema.InstanceRefresh})
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Failed || !strings.Contains(st.Why, "DC83") {
		t.Errorf("%+v, %v", st, err)
	}
	w = newTown(2)
	d = newDriver(t, w, schema.Roll{Strategy: schema.InstanceRefresh})
	d.each = func() { d.abort = len(w.refresh) > 0 }
	st, err = d.run(10 * time.Hour)
	if err != nil || w.refresh[0].Status != "Cancelled" || w.cordons() > 0 || st.State != applier.Undone && st.State != applier.Finished {
		t.Errorf("%+v, %v, %+v, %v", st, err, w.refresh, w.calls)
	}
}

// TestAborted at any call, a roll leaves no cordon and no capacity of its own.
func TestAborted(t *testing.T) {
	for n := range 12 {
		for _, dies := range []bool{true, false} {
			w, d := surging(t, 3)
			w.busy(2, 30*time.Minute)
			calls := 0
			d.crash = func() bool {
				if calls++; calls > 3*n {
					d.abort = true
					return dies && calls == 3*n+1
				}
				return false
			}
			st, err := d.run(10 * time.Hour)
			if err != nil || w.cordons() > 0 || w.group.Desired != 3 || len(w.killed) > 0 {
				t.Fatalf("%d: %+v, %v, %d cordoned, desired %d, killed %v\n%v", n, st, err, w.cordons(), w.group.Desired, w.killed, w.calls)
			}
			if replaced := strings.Contains(fmt.Sprint(w.calls), "terminate i-00"); (st.State == applier.Undone) == (replaced && w.images() != "ami-1 ami-1 ami-1") {
				t.Errorf("%d: %+v with %s, %v", n, st, w.images(), w.calls)
			}
		}
	}
}

// TestATerminationOnItsWay: a roll that is aborted lifts no cordon while the call that ends
// the node may yet land.
func TestATerminationOnItsWay(t *testing.T) {
	w, d := surging(t, 1)
	w.chance = func(n int) int { return n - 1 }
	d.loses = func() bool {
		d.abort = d.abort || strings.HasPrefix(d.a.Mark, end)
		return d.abort && len(w.later) == 0 && strings.HasPrefix(d.a.Mark, end)
	}
	w.each = func() {
		if d.abort && w.cordons() == 0 && len(w.runs) == 0 {
			w.runs = append(w.runs, &run{id: "late", lasts: time.Hour})
		}
	}
	st, err := d.run(3 * time.Hour)
	if err != nil || st.State != applier.Finished || len(w.killed) > 0 || w.images() != "ami-2" {
		t.Errorf("%+v, %v, killed %v, %s, %v", st, err, w.killed, w.images(), w.calls)
	}
}

// TestAnAlarm turns a roll back, runs of new nodes untouched; what CloudWatch cannot tell is
// waited for, and too little data is no alarm.
func TestAnAlarm(t *testing.T) {
	rung := func(strategy string) (*town, *driver) {
		w := newTown(3)
		w.alarms = map[string]string{"errors": "INSUFFICIENT_DATA", "latency": "OK"}
		return w, newDriver(t, w, schema.Roll{Strategy: strategy, Alarms: []string{"errors", "latency"}})
	}
	for _, strategy := range []string{schema.Surge, schema.OnDemand, schema.InstanceRefresh} {
		w, d := rung(strategy)
		d.ends(t, applier.Finished, "")
		w, d = rung(strategy)
		d.each = func() {
			for _, m := range w.machines {
				if m.image == "ami-2" && w.ready(m) && w.alarms["latency"] == "OK" {
					w.alarms["latency"] = "ALARM"
					w.runs = append(w.runs, &run{id: "late", on: m.ID, shows: w.now, ends: w.now.Add(2 * time.Hour)})
				}
			}
			w.group.Desired = max(w.group.Desired, 2) // as who scales it would
		}
		d.ends(t, applier.Failed, "DC838: alarm latency of CloudWatch rings: too many errors. It was turned back")
		if strings.Contains(w.images(), "ami-2") || w.group.Version != "1" {
			t.Errorf("%s: %s, %v", strategy, w.images(), w.calls)
		}
	}
	w, d := rung(schema.Surge)
	w.alarms["errors"] = "ALARM"
	d.ends(t, applier.Failed, "DC838")
	if got := fmt.Sprint(w.calls); got != "[switch to 1]" {
		t.Errorf("a roll that is not begun: %s", got)
	}
	w, d = rung(schema.Surge)
	w.broken["DescribeAlarms"] = errors.New("connection refused")
	d.waits(t, time.Hour, "CloudWatch does not answer, so that nobody tells whether an alarm rings")
	delete(w.broken, "DescribeAlarms")
	delete(w.alarms, "errors")
	d.ends(t, applier.Failed, "DC839")
	if len(w.calls) > 0 {
		t.Errorf("%v", w.calls)
	}
}

// TestASwitchBackAsksForTheGroupAlone: it ends no node, so that it waits for nobody who tells
// what runs there.
func TestASwitchBackAsksForTheGroupAlone(t *testing.T) {
	w, d := surging(t, 2)
	for _, call := range []string{"ListNodes", "ListPods", "ListExecutions", "DescribeInstances"} {
		w.broken[call] = errors.New("connection refused")
	}
	d.a.Mark = "switch because DC838: it rings"
	if err := d.executor().Start(t.Context(), d.a); err != nil || fmt.Sprint(w.calls) != "[switch to 1]" {
		t.Errorf("%v, %v", err, w.calls)
	}
}

// TestAReadThatLags: that the group starts the image before is believed after a minute, in
// which what was switched just before the roll must show.
func TestAReadThatLags(t *testing.T) {
	w, d := surging(t, 2)
	w.group.Version = "1"
	shows := w.now.Add(40 * time.Second)
	w.each = func() {
		if w.now.Equal(shows) {
			w.group.Version = "2"
		}
	}
	d.ends(t, applier.Finished, "")
	w, d = surging(t, 2)
	w.group.Version = "1"
	d.ends(t, applier.Failed, "DC832")
	if len(w.calls) > 0 {
		t.Errorf("%v", w.calls)
	}
}
