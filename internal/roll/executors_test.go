package roll

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// TestExecutorsGo: an old executor is put into maintenance, and goes when its last run has
// ended; one that is stopped goes at once.
func TestExecutorsGo(t *testing.T) {
	y := newYard(3)
	y.busy(0, 50*time.Minute)
	y.cars[2].State = "stopped"
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.each = func() {
		if n := strings.Count(y.standing(), "ami-1 maintained"); n > 1 {
			t.Fatalf("%d are missing at once: %s", n, y.standing())
		}
	}
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || st.Outputs["replaced"].Text != "3" || y.standing() != "" || len(y.killed) > 0 {
		t.Fatalf("%+v, %v: %s, killed %v\n%v", st, err, y.standing(), y.killed, y.calls)
	}
	t.Log(y.now.Sub(d.a.Began), y.calls)
}

// TestWithoutAMappingAPersonDoesIt: domctl says which, ends none that runs, and goes on when
// they are gone.
func TestWithoutAMappingAPersonDoesIt(t *testing.T) {
	y := newYard(3)
	y.busy(0, 50*time.Minute)
	y.cars[2].State, y.stops = "stopped", time.Hour*100
	of := mappedExecutors()
	of.Known = schema.Collection{}
	d := newYardDriver(t, y, schema.Roll{}, of)
	d.waits(t, 5*time.Hour, "waits for a person (DC861): in Domino's administration put each into Maintenance Mode, and terminate it in EC2 when its last run has ended: i-001, i-002")
	if fmt.Sprint(y.calls) != "[terminate i-003]" {
		t.Fatal(y.calls)
	}
	y.kill(y.cars[0], "by hand")
	y.kill(y.cars[1], "by hand")
	d.ends(t, applier.Finished, "")
}

// TestUnknownIsNeverIdle: a run of which nobody tells the machine could be on any; Domino that
// does not answer tells of none.
func TestUnknownIsNeverIdle(t *testing.T) {
	y := newYard(2)
	y.silent = true
	r := y.busy(1, 3*time.Hour)
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.waits(t, 2*time.Hour, "run1, of which nobody tells the machine")
	y.broken["ListExecutions"] = fmt.Errorf("it is away")
	r.ends = y.now
	d.waits(t, time.Hour, "Domino does not answer")
	if strings.Contains(fmt.Sprint(y.calls), "terminate") {
		t.Fatal(y.calls)
	}
	delete(y.broken, "ListExecutions")
	d.ends(t, applier.Finished, "")
}

// TestExecutorsTooLong: what is not empty in time turns the roll back, or goes where the plan
// says so.
func TestExecutorsTooLong(t *testing.T) {
	y := newYard(2)
	y.stops = 1000 * time.Hour
	y.busy(0, 50*time.Hour)
	d := newYardDriver(t, y, schema.Roll{DrainTimeout: "2h"}, mappedExecutors())
	d.ends(t, applier.Failed, "DC835: i-001 was not empty after 2h: run run1; what it put into maintenance is taken out again")
	if y.standing() != "ami-1" {
		t.Errorf("%s %v", y.standing(), y.calls)
	}
	y = newYard(2)
	y.busy(0, 50*time.Hour)
	d = newYardDriver(t, y, schema.Roll{DrainTimeout: "2h", Force: true}, mappedExecutors())
	if st, err := d.run(10 * time.Hour); err != nil || st.State != applier.Finished || len(y.killed) != 1 || !strings.Contains(y.killed[0], "run1") {
		t.Errorf("%+v, %v: killed %v", st, err, y.killed)
	}
}

// TestExecutorsTurnedBack where somebody switches the group, or it goes.
func TestExecutorsTurnedBack(t *testing.T) {
	for _, spoil := range []func(*yard){func(y *yard) { y.image = "ami-3" }, func(y *yard) { y.gone = true }} {
		y := newYard(2)
		y.stops = 1000 * time.Hour
		y.busy(0, 5*time.Hour)
		y.busy(1, 5*time.Hour)
		d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
		d.waits(t, 10*time.Minute, "run run1")
		spoil(y)
		d.ends(t, applier.Failed, "DC864")
		if y.standing() != "ami-1, ami-1" {
			t.Errorf("%s %v", y.standing(), y.calls)
		}
	}
}

// TestSomebodysMaintenance is respected: it is not lifted, and not believed at once.
func TestSomebodysMaintenance(t *testing.T) {
	y := newYard(2)
	y.stops = 1000 * time.Hour
	y.busy(0, time.Hour)
	y.cars[0].Flag = "true"
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.waits(t, 10*time.Minute, "run run1")
	d.abort = true
	if st, err := d.run(time.Hour); err != nil || st.State != applier.Undone {
		t.Fatalf("%+v, %v", st, err)
	}
	if y.standing() != "ami-1, ami-1 maintained" {
		t.Errorf("%s %v", y.standing(), y.calls)
	}
}

// TestOddExecutors are left to a person.
func TestOddExecutors(t *testing.T) {
	y := newYard(3)
	y.stops = 1000 * time.Hour
	y.cars[0].Document, y.cars[0].Flag = "", ""
	y.cars[1].Odd = "2 documents of executors name it"
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.waits(t, time.Hour, "i-001 (no document of executors names it), i-002 (DC866: 2 documents of executors name it)")
	if y.standing() != "ami-1, ami-1" {
		t.Errorf("%s %v", y.standing(), y.calls)
	}
}

// TestOthersExecutors: those of another tier, and of none that is told, are left alone.
func TestOthersExecutors(t *testing.T) {
	y := newYard(3)
	y.stops = 1000 * time.Hour
	y.cars[0].Tier, y.cars[1].Tier = "large", ""
	st, err := newYardDriver(t, y, schema.Roll{}, mappedExecutors()).run(time.Hour)
	if err != nil || st.State != applier.Finished || y.standing() != "ami-1, ami-1" || st.Outputs["left"].Text != `["i-002 (nobody tells its tier)"]` {
		t.Errorf("%+v, %v: %s", st, err, y.standing())
	}
	of := mappedExecutors()
	of.Alone = true
	st, err = newYardDriver(t, y, schema.Roll{}, of).run(time.Hour)
	if err != nil || st.State != applier.Finished || y.standing() != "ami-1" {
		t.Errorf("%+v, %v: %s", st, err, y.standing())
	}
}

// TestAStoppedExecutorThatStarts meanwhile is not ended as one that is stopped.
func TestAStoppedExecutorThatStarts(t *testing.T) {
	y := newYard(1)
	y.cars[0].State = "stopped"
	of := mappedExecutors()
	of.Known = schema.Collection{}
	d := newYardDriver(t, y, schema.Roll{}, of)
	st, err := d.executor().Observe(t.Context(), d.a)
	if err != nil || st.State != applier.Next {
		t.Fatalf("%+v, %v", st, err)
	}
	y.wanted()
	d.a.Mark = st.Mark
	if err := d.executor().Start(t.Context(), d.a); err == nil || len(y.calls) > 0 {
		t.Fatalf("%v: %v", err, y.calls)
	}
}

// TestExecutorsWindow: none is taken before it opens.
func TestExecutorsWindow(t *testing.T) {
	y := newYard(2)
	hours := &schema.Window{Days: []string{"mon"}, From: "22:00", To: "04:00", Timezone: "UTC"}
	d := newYardDriver(t, y, schema.Roll{Window: "monday", Hours: hours}, mappedExecutors())
	d.waits(t, time.Hour, "window monday, which opens 2026-11-30 22:00 UTC")
	if len(y.calls) > 0 {
		t.Fatal(y.calls)
	}
}

// drawnYard is a roll of a yard in which runs begin and end, driven by a process that dies.
func drawnYard(t *rapid.T, roll schema.Roll) (*yard, *driver) {
	n := rapid.IntRange(1, 6).Draw(t, "executors")
	y := newYard(n)
	y.room, y.chance = rapid.IntRange(1, 4).Draw(t, "room"), random(rapid.Uint32().Draw(t, "seed"))
	y.stops = time.Duration(rapid.IntRange(1, 60).Draw(t, "stops")) * time.Minute
	load, started := rapid.IntRange(1, 12).Draw(t, "load"), 0
	y.town.each = func() {
		if started < 5000 && y.chance(6000) < load*n*y.room {
			started++
			y.runs = append(y.runs, &run{id: fmt.Sprintf("run%d", started), lasts: time.Duration(1+y.chance(1200)) * time.Second})
		}
		y.tick()
	}
	y.image = "ami-1"
	y.pass(20 * time.Minute)
	y.image = "ami-2"
	roll.MaxUnavailable = ptr(rapid.IntRange(1, 3).Draw(t, "unavailable"))
	d := newYardDriver(t, y, roll, mappedExecutors())
	deaths := rapid.IntRange(0, 30).Draw(t, "deaths")
	d.crash = func() bool {
		if deaths == 0 || y.chance(20) != 0 {
			return false
		}
		deaths--
		return true
	}
	d.loses = d.crash
	return y, d
}

// TestExecutorRollsKillNoRun: while runs begin and end, executors stop and come back, and the
// process dies between any two calls, no run is ended, every old executor goes, and the roll
// ends once runs do.
func TestExecutorRollsKillNoRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		y, d := drawnYard(t, schema.Roll{})
		if rapid.Bool().Draw(t, "aborted") {
			d.run(time.Duration(rapid.IntRange(0, 5000).Draw(t, "after")) * time.Second)
			d.abort = true
			st, err := d.run(1000 * time.Hour)
			if err != nil || st.State != applier.Undone && st.State != applier.Finished || strings.Contains(y.standing(), "maintained") || len(y.killed) > 0 {
				t.Fatalf("%+v, %v: %s, killed %v\n%v\n%v", st, err, y.standing(), y.killed, y.calls, d.a.Begun)
			}
			return
		}
		st, err := d.run(1000 * time.Hour)
		if err != nil || st.State != applier.Finished || len(y.killed) > 0 || strings.Contains(y.standing(), "ami-1") || strings.Contains(y.standing(), "maintained") {
			t.Fatalf("%+v, %v: %s, killed %v\n%v\n%v", st, err, y.standing(), y.killed, y.calls, d.a.Begun)
		}
	})
}

var _ Classic = (*yard)(nil)
var _ Census = (*yard)(nil)

// TestExecutorsBack: the way back of a switch rolls those of the new image, by the same step
// the other way round.
func TestExecutorsBack(t *testing.T) {
	y := newYard(2)
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.ends(t, applier.Finished, "")
	y.start()
	y.start()
	y.busy(2, time.Hour)
	y.image = "ami-1"
	d.a.Step = again(d.a.Step, true)[0]
	d.a.Begun, d.a.Apply = map[string]bool{}, "apply2"
	y.pass(time.Minute)
	d.segment()
	d.ends(t, applier.Finished, "")
	if y.standing() != "" || len(y.calls) != 8 {
		t.Errorf("%s, %v", y.standing(), y.calls)
	}
}

// TestExecutorsRefused: what the outside refuses, or limits, is not taken for done.
func TestExecutorsRefused(t *testing.T) {
	for call, err := range map[string]error{"UpdateOne": port.ErrDenied, "TerminateInstance": port.ErrDenied} {
		y := newYard(1)
		y.broken[call] = err
		d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
		if st, err := d.run(time.Hour); err == nil || st.State == applier.Finished || strings.Contains(y.standing(), "terminated") {
			t.Errorf("%s: %+v, %v", call, st, err)
		}
		delete(y.broken, call)
		d.ends(t, applier.Finished, "")
	}
	for call, says := range map[string]string{"LookExecutors": "AWS limits", "GroupImage": "AWS limits", "ListExecutions": "Domino does not answer"} {
		y := newYard(1)
		y.broken[call] = port.ErrThrottled
		d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
		d.waits(t, 10*time.Minute, says)
		delete(y.broken, call)
		d.ends(t, applier.Finished, "")
	}
	y := newYard(1)
	y.broken["LookExecutors"] = port.ErrDenied
	if st, err := newYardDriver(t, y, schema.Roll{}, mappedExecutors()).run(time.Hour); err == nil {
		t.Errorf("a failed read is taken for none: %+v", st)
	}
}

// TestAbortNeedsNoDomino: what was put into maintenance is taken out while Domino is away.
func TestAbortNeedsNoDomino(t *testing.T) {
	y := newYard(2)
	y.stops = 1000 * time.Hour
	y.busy(0, 100*time.Hour)
	y.busy(1, 100*time.Hour)
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.waits(t, 10*time.Minute, "run run1")
	y.broken["ListExecutions"] = port.ErrDenied
	d.abort = true
	if st, err := d.run(time.Hour); err != nil || st.State != applier.Undone || y.standing() != "ami-1, ami-1" {
		t.Errorf("%+v, %v: %s", st, err, y.standing())
	}
	for i, want := range []string{"false", "null"} { // as each stood before
		if y.cars[i].Flag != want {
			t.Errorf("%s holds %q, want %q", y.cars[i].ID, y.cars[i].Flag, want)
		}
	}
}

// TestByHandRollsKillNoRun: without a mapping no executor that runs is ended by domctl,
// whatever happens, and the roll ends when a person has done the rest.
func TestByHandRollsKillNoRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 4).Draw(t, "executors")
		y := newYard(n)
		y.chance, y.stops = random(rapid.Uint32().Draw(t, "seed")), time.Duration(rapid.IntRange(1, 60).Draw(t, "stops"))*time.Minute
		started := 0
		y.town.each = func() {
			if started < 500 && y.chance(600) < n {
				started++
				y.runs = append(y.runs, &run{id: fmt.Sprintf("run%d", started), lasts: time.Duration(1+y.chance(1200)) * time.Second})
			}
			y.tick()
			if i := y.chance(3000); i < len(y.cars) && y.cars[i].Image == "ami-1" && !y.cars[i].Going() { // a person, who waits too
				if c := y.cars[i]; c.Flag == "true" && y.on(c.ID) == 0 {
					y.kill(c, "by hand")
				} else {
					c.Flag = "true"
				}
			}
		}
		of := mappedExecutors()
		of.Known = schema.Collection{}
		d := newYardDriver(t, y, schema.Roll{}, of)
		deaths := rapid.IntRange(0, 20).Draw(t, "deaths")
		d.crash = func() bool {
			deaths--
			return deaths > 0 && y.chance(10) == 0
		}
		st, err := d.run(1000 * time.Hour)
		if err != nil || st.State != applier.Finished || len(y.killed) > 0 || strings.Contains(y.standing(), "ami-1") {
			t.Fatalf("%+v, %v: %s, killed %v\n%v\n%v", st, err, y.standing(), y.killed, y.calls, d.a.Begun)
		}
	})
}

// TestMaintenanceThatDoesNotStay is not set for ever: a person is told.
func TestMaintenanceThatDoesNotStay(t *testing.T) {
	y := newYard(1)
	y.stops = 1000 * time.Hour
	each := y.town.each
	y.town.each = func() { each(); y.cars[0].Flag = "false" }
	d := newYardDriver(t, y, schema.Roll{}, mappedExecutors())
	d.each = func() { y.cars[0].Flag = "false" }
	d.waits(t, 5*time.Hour, "i-001 (DC866: its maintenance was set 5 times and does not stay)")
	if len(y.calls) != 5 {
		t.Error(y.calls)
	}
}
