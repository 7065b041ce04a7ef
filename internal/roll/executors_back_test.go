package roll

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// TestExecutorsWhoseAlarmRings: the group starts the old image again, old executors take runs
// again, and new ones go, each when its last run has ended, whatever the plan forces.
func TestExecutorsWhoseAlarmRings(t *testing.T) {
	rung := func(roll schema.Roll) (*yard, *driver) {
		y := newYard(3)
		y.stops, y.alarms = 1000*time.Hour, map[string]string{"errors": "OK"}
		y.busy(0, 5*time.Hour)
		y.busy(1, 5*time.Hour)
		roll.Alarms = []string{"errors"}
		return y, newYardDriver(t, y, roll, mappedExecutors())
	}
	y, d := rung(schema.Roll{DrainTimeout: "2h", Force: true})
	d.waits(t, 10*time.Minute, "run run1")
	y.broken["DescribeAlarms"] = errors.New("connection refused")
	d.waits(t, 10*time.Minute, "CloudWatch does not answer, so that nobody tells whether an alarm rings")
	delete(y.broken, "DescribeAlarms")
	y.start()
	y.busy(3, 4*time.Hour)
	y.pass(time.Minute)
	y.alarms["errors"] = "ALARM"
	d.waits(t, time.Hour, "turned back, because DC838: alarm errors of CloudWatch rings: too many errors; 1 executor on another image than ami-1; waits for i-004: run run3")
	if y.image != "ami-1" || y.standing() != "ami-1, ami-1, ami-2 maintained" {
		t.Errorf("%s, %s %v", y.image, y.standing(), y.calls)
	}
	y.alarms["errors"] = "OK" // which turns nothing round again
	d.ends(t, applier.Failed, "DC838: alarm errors of CloudWatch rings: too many errors. It was turned back: executor group g starts ami-1 again, and no executor is of ami-2. domctl apply --supersede apply1")
	if y.standing() != "ami-1, ami-1" {
		t.Errorf("%s %v", y.standing(), y.calls)
	}
	calls := len(y.calls)
	if d.ends(t, applier.Failed, "It was turned back"); len(y.calls) > calls {
		t.Errorf("looked at again: %v", y.calls[calls:])
	}
	d.abort = true // turned back whole, there is nothing for a rollback
	if st, err := d.run(time.Hour); err != nil || st.State != applier.Undone || len(y.calls) > calls {
		t.Errorf("%+v, %v: %v", st, err, y.calls[calls:])
	}

	// A roll that a rollback makes, or whose plan states no switch, stops where it is.
	for name, spoil := range map[string]func(*driver){
		"no switch":        func(d *driver) { delete(d.a.Step.Args, "switch") },
		"another's switch": func(d *driver) { d.a.Step.Args["switch"] = schema.JSON(planner.Step{Op: operation.InsertDocument}) },
	} {
		y, d = rung(schema.Roll{})
		d.waits(t, 10*time.Minute, "run run1")
		spoil(d)
		y.alarms["errors"] = "ALARM"
		d.ends(t, applier.Failed, "DC838: alarm errors of CloudWatch rings: too many errors; what it put into maintenance is taken out again, and new executors start from ami-2")
		if y.standing() != "ami-1, ami-1" || y.image != "ami-2" {
			t.Errorf("%s: %s, %s %v", name, y.image, y.standing(), y.calls)
		}
	}

	// The way back of a roll that was not done ends those of the new image while it rings yet.
	y.image = "ami-2"
	y.start()
	y.image = "ami-1"
	d.a.Step = again(d.a.Step, true)[0]
	d.a.Begun, d.a.Apply = map[string]bool{}, "apply2"
	y.pass(time.Minute)
	d.segment()
	d.ends(t, applier.Finished, "")
	if y.standing() != "ami-1, ami-1" || len(y.killed) > 0 {
		t.Errorf("back: %s %v", y.standing(), y.calls)
	}
}

// TestExecutorsWhoseWayBackFails: it stops, and says both reasons.
func TestExecutorsWhoseWayBackFails(t *testing.T) {
	const rings = "DC838: alarm errors of CloudWatch rings: too many errors"
	for says, spoil := range map[string]func(*yard, *driver){
		rings + "; and executor group g starts ami-3 by now, which is left; what it put": func(y *yard, _ *driver) { y.image = "ami-3" },
		rings + "; and executor group g starts ami-2 by now, which is left; what it put": func(y *yard, _ *driver) { y.image = "ami-2" },
		rings + "; and executor group g is not there any more; what it put":              func(y *yard, _ *driver) { y.gone = true },
		rings + ". Executor group g starts ami-1 again; the way back stopped there: DC866: i-001 came into maintenance again 5 times": func(y *yard, d *driver) {
			d.each = func() { y.cars[0].Flag = "true" }
		},
	} {
		y := newYard(2)
		y.stops, y.alarms = 1000*time.Hour, map[string]string{"errors": "OK"}
		y.busy(0, 50*time.Hour)
		d := newYardDriver(t, y, schema.Roll{Alarms: []string{"errors"}}, mappedExecutors())
		d.waits(t, 10*time.Minute, "run run1")
		y.start()
		y.busy(2, 50*time.Hour)
		y.pass(time.Minute)
		y.alarms["errors"] = "ALARM"
		if !strings.Contains(says, "DC866") {
			d.waits(t, time.Hour, "turned back, because "+rings)
		}
		spoil(y, d)
		d.ends(t, applier.Failed, says)
		if got := y.standing(); got != "ami-1, ami-2" && !strings.Contains(says, "DC866") {
			t.Errorf("%s: %s %v", says, got, y.calls)
		}
	}
	y := newYard(1)
	y.alarms, y.broken["switch"] = map[string]string{"errors": "ALARM"}, port.ErrDenied
	d := newYardDriver(t, y, schema.Roll{Alarms: []string{"errors"}}, mappedExecutors())
	if st, err := d.run(time.Hour); !errors.Is(err, port.ErrDenied) || len(y.calls) > 0 {
		t.Errorf("refused: %+v, %v, %v", st, err, y.calls)
	}
	delete(y.broken, "switch")
	d.ends(t, applier.Failed, rings+". It was turned back")
}

// TestASwitchOfExecutorsThatLands late, of a process that died, lands before an abort is over.
func TestASwitchOfExecutorsThatLands(t *testing.T) {
	y := newYard(2)
	y.stops, y.alarms = 1000*time.Hour, map[string]string{"errors": "OK"}
	y.busy(0, 50*time.Hour)
	d := newYardDriver(t, y, schema.Roll{Alarms: []string{"errors"}}, mappedExecutors())
	d.waits(t, 10*time.Minute, "run run1")
	y.alarms["errors"] = "ALARM"
	d.loses = func() bool { d.abort = strings.HasPrefix(d.a.Mark, switchBack); return d.abort }
	y.chance = func(n int) int { return n - 1 }
	st, err := d.run(time.Hour)
	if err != nil || st.State != applier.Undone || y.image != "ami-1" || y.standing() != "ami-1" {
		t.Errorf("%+v, %v: %s, %s %v", st, err, y.image, y.standing(), y.calls)
	}
}

// TestAMaintenanceThatLands late, of a process that died, and after the next one took what it
// made out again, is taken out before an abort is over.
func TestAMaintenanceThatLands(t *testing.T) {
	y := newYard(2)
	y.stops = 1000 * time.Hour
	y.busy(0, 50*time.Hour)
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	lost := false
	d.loses = func() bool {
		once := !lost && strings.HasPrefix(d.a.Mark, "maintain i-001")
		lost = lost || once
		return once
	}
	y.chance = func(n int) int { return n - 1 }
	d.each = func() { d.abort = d.abort || y.cars[0].Flag == "true" } // which the next process wrote
	st, err := d.run(time.Hour)
	if y.pass(time.Hour); err != nil || st.State != applier.Finished || y.standing() != "ami-1" {
		t.Errorf("%+v, %v: %s %v", st, err, y.standing(), y.calls)
	}
}

// TestAPersonTurnsBack executors of the new image where nothing says where maintenance stands:
// the switch goes back at once.
func TestAPersonTurnsBack(t *testing.T) {
	y := newYard(2)
	y.stops, y.alarms = 1000*time.Hour, map[string]string{"errors": "OK"}
	of := mappedExecutors()
	of.Known = schema.Collection{}
	d := newYardDriver(t, y, schema.Roll{Alarms: []string{"errors"}}, of)
	d.waits(t, time.Hour, "waits for a person (DC861)")
	y.start()
	y.alarms["errors"] = "ALARM"
	d.waits(t, time.Hour, "turned back, because DC838: alarm errors of CloudWatch rings: too many errors; 1 executor on another image than ami-1; waits for a person (DC861): in Domino's administration put each into Maintenance Mode, and terminate it in EC2 when its last run has ended: i-003")
	if fmt.Sprint(y.calls) != "[switch to ami-1]" {
		t.Error(y.calls)
	}
	y.kill(y.cars[2], "by hand")
	d.ends(t, applier.Failed, "It was turned back")
	if y.standing() != "ami-1, ami-1" {
		t.Error(y.standing())
	}
}

// TestTurnedBackOthersStay: executors of which nobody tells the tier stay where another group
// starts the image that failed, and the message names them.
func TestTurnedBackOthersStay(t *testing.T) {
	for says, sharing := range map[string]map[string][]string{
		"no executor is of ami-2. ":                                   nil,
		"no executor is of ami-2 but i-002 (nobody tells its tier). ": {"ami-2": {"other"}},
	} {
		y := newYard(1)
		y.stops, y.alarms, y.sharing = 1000*time.Hour, map[string]string{"errors": "OK"}, sharing
		y.busy(0, 50*time.Hour)
		of := mappedExecutors()
		of.Alone = true
		d := newYardDriver(t, y, schema.Roll{Alarms: []string{"errors"}}, of)
		d.waits(t, 10*time.Minute, "run run1")
		y.start().Tier = ""
		y.alarms["errors"] = "ALARM"
		d.ends(t, applier.Failed, says)
	}
}

// TestExecutorsTurnBack: while runs begin and end, executors stop and come back, and the process
// dies between any two calls, an alarm turns the roll back: no run is ended, no executor of the
// new image is left, and none in maintenance.
func TestExecutorsTurnBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		y, d := drawnYard(t, schema.Roll{Alarms: []string{"errors"}})
		y.alarms = map[string]string{"errors": "OK"}
		rings := y.now.Add(time.Duration(rapid.IntRange(0, 6000).Draw(t, "rings")) * time.Second)
		d.each = func() {
			if y.now.After(rings) {
				y.alarms["errors"] = "ALARM"
			}
		}
		if rapid.Bool().Draw(t, "aborted") {
			d.run(time.Duration(rapid.IntRange(0, 9000).Draw(t, "after")) * time.Second)
			d.abort = true
			st, err := d.run(1000 * time.Hour)
			if err != nil || st.State != applier.Undone && st.State != applier.Finished || strings.Contains(y.standing(), "maintained") || len(y.killed) > 0 {
				t.Fatalf("%+v, %v: %s, killed %v\n%v\n%v", st, err, y.standing(), y.killed, y.calls, d.a.Begun)
			}
			image := y.image
			if y.pass(time.Hour); y.image != image || strings.Contains(y.standing(), "maintained") || len(y.killed) > 0 {
				t.Fatalf("after it: %s, %s, killed %v\n%v\n%v", y.image, y.standing(), y.killed, y.calls, d.a.Begun)
			}
			return
		}
		st, err := d.run(1000 * time.Hour)
		if err == nil && st.State == applier.Finished && !strings.Contains(y.standing(), "ami-1") && len(y.killed) == 0 {
			return // all were replaced before
		}
		if err != nil || st.State != applier.Failed || !strings.Contains(st.Why, "It was turned back") || y.image != "ami-1" || len(y.killed) > 0 || strings.Contains(y.standing(), "ami-2") || strings.Contains(y.standing(), "maintained") {
			t.Fatalf("%+v, %v: %s, %s, killed %v\n%v\n%v", st, err, y.image, y.standing(), y.killed, y.calls, d.a.Begun)
		}
		before := len(y.calls)
		if st, err := d.run(time.Hour); err != nil || st.State != applier.Failed || len(y.calls) > before || strings.Contains(y.standing(), "maintained") {
			t.Fatalf("looked at again: %+v, %v, %v", st, err, y.calls[before:])
		}
	})
}
