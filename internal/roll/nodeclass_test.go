package roll

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/applier"
	"domctl.dev/schema"
)

func onDemand(unavailable int) schema.Roll {
	return schema.Roll{Strategy: schema.OnDemand, MaxUnavailable: ptr(unavailable)}
}

// held are the pools that somebody's note stands on, and cordoned nodes that stay.
func (w *town) left() string {
	var all []string
	for _, p := range w.karp.pools {
		if p.HeldBy != "" {
			all = append(all, p.Name+" is held")
		}
	}
	for _, m := range w.alive() {
		if m.cordoned {
			all = append(all, m.ID+" is cordoned")
		}
	}
	return strings.Join(all, ", ")
}

// TestAClassIsHeldSwitchedAndRolled in this order, and what was held is let go of last.
func TestAClassIsHeldSwitchedAndRolled(t *testing.T) {
	for _, follows := range []bool{false, true} {
		w := newKarpenter(2, follows, true)
		before := w.karp.class
		w.chance = func(n int) int { return n - 1 } // Karpenter takes no empty node before domctl does
		w.busy(1, 50*time.Minute)
		d := classDriver(t, w, onDemand(1))
		d.ends(t, applier.Finished, "")
		w.calls = slices.DeleteFunc(w.calls, func(c string) bool { return strings.HasPrefix(c, "cordon") })
		if got := fmt.Sprint(w.calls); !strings.HasPrefix(got, `[hold a "domctl `) || !strings.HasSuffix(got, `hold a ""]`) || !strings.Contains(got, `terms [{"id":"ami-2"}] delete i-001 delete i-002`) {
			t.Errorf("%s", got)
		}
		if len(w.killed) > 0 || w.left() != "" || fmt.Sprint(w.karp.pools[0].Budgets, w.karp.pools[1].Budgets) != `[{"nodes":"10%"}] [{"nodes":"1"} {"nodes":"0"}]` {
			t.Errorf("killed %v, %s, %v", w.killed, w.left(), w.karp.pools)
		}
		back := d.undone()
		back.a.Step.Args = d.a.Step.Args
		back.ends(t, applier.Finished, "")
		if c := w.karp.class; c.Terms != before.Terms || c.Family != before.Family || w.left() != "" {
			t.Errorf("back: %+v, %s", c, w.left())
		}
	}
}

// TestClassesThatFail turn back: the class stands as it did, no node is of the new image, and
// nothing is held; where what failed says nothing of the image they stop, and drift stays held.
func TestClassesThatFail(t *testing.T) {
	for code, c := range map[string]struct {
		roll  schema.Roll
		spoil func(w *town, d *driver)
		back  bool
	}{
		"DC876": {onDemand(1), func(w *town, d *driver) {
			d.each = func() { w.karp.fails = w.karp.class.Terms == newTerms }
		}, true},
		"DC833": {onDemand(1), func(w *town, d *driver) {
			w.dead = []string{"ami-2"}
			w.each = func() {
				if w.karp.class.Terms == newTerms && len(w.runs) == 1 {
					w.runs = append(w.runs, &run{id: "waits", lasts: time.Hour}, &run{id: "waits too", lasts: time.Hour}, &run{id: "and this", lasts: time.Hour}, &run{id: "also", lasts: time.Hour})
				}
			}
		}, true},
		"DC835": {schema.Roll{Strategy: schema.OnDemand, DrainTimeout: "1h"}, func(*town, *driver) {}, false},
		"DC832": {onDemand(1), func(w *town, d *driver) {
			d.each = func() {
				if w.karp.class.Terms == newTerms {
					w.karp.class.Terms, w.karp.class.Version = `[{"id":"ami-3"}]`, w.version()
				}
			}
		}, false},
	} {
		for _, follows := range []bool{false, true} {
			w := newKarpenter(2, follows, false)
			before := w.karp.class
			w.room = 1
			w.busy(1, 50*time.Hour)
			d := classDriver(t, w, c.roll)
			c.spoil(w, d)
			d.ends(t, applier.Failed, code)
			if got := w.karp.class; (got.Terms == before.Terms && got.Family == before.Family && !strings.Contains(w.images(), "ami-2")) != c.back || (w.left() == "") != c.back {
				t.Errorf("%s: %+v, %s, %s: %v", code, got, w.images(), w.left(), w.calls)
			}
			w.pass(3 * time.Hour)
			wrote := len(w.calls)
			if d.ends(t, applier.Failed, code); len(w.calls) > wrote {
				t.Errorf("%s: looked at again, it wrote %v", code, w.calls[wrote:])
			}
			if d.abort = true; c.back {
				d.ends(t, applier.Undone, "")
			}
		}
	}
}

// TestAClassWhoseAlarmRings turns back, runs of its new nodes untouched. One that rings before
// the switch has what is held let go of, and the step of a rollback looks at none.
func TestAClassWhoseAlarmRings(t *testing.T) {
	rings := func(when func(w *town) bool) (*town, *driver) {
		w := newKarpenter(2, false, false)
		w.alarms = map[string]string{"latency": "OK"}
		w.busy(1, 50*time.Minute)
		d := classDriver(t, w, schema.Roll{Strategy: schema.OnDemand, Alarms: []string{"latency"}})
		d.each = func() {
			if when(w) {
				w.alarms["latency"] = "ALARM"
			}
		}
		return w, d
	}
	w, d := rings(func(w *town) bool {
		for _, m := range w.alive() {
			if m.image == "ami-2" && w.ready(m) && w.alarms["latency"] == "OK" {
				w.runs = append(w.runs, &run{id: "late", on: m.ID, shows: w.now, ends: w.now.Add(2 * time.Hour)})
				return true
			}
		}
		if w.karp.class.Terms == newTerms && !slices.ContainsFunc(w.runs, func(r *run) bool { return r.on == "" }) && len(w.alive()) < 2 {
			w.runs = append(w.runs, &run{id: "asks", lasts: time.Hour}, &run{id: "asks too", lasts: time.Hour}, &run{id: "and more", lasts: time.Hour})
		}
		return false
	})
	d.ends(t, applier.Failed, "DC838: alarm latency of CloudWatch rings: too many errors. It was turned back: EC2NodeClass gpu is as it was, and no node is of the new image")
	if c := w.karp.class; c.Image() != "ami-1" || w.left() != "" || strings.Contains(w.images(), "ami-2") || !strings.Contains(fmt.Sprint(w.calls), `terms [{"id":"ami-1"}] cordon i-002 false cordon i-003 true`) {
		t.Errorf("back: %+v, %s, %s: %v", c, w.left(), w.images(), w.calls)
	}
	w, d = rings(func(w *town) bool { return w.karp.pools[0].HeldBy != "" })
	d.ends(t, applier.Failed, "DC838: alarm latency of CloudWatch rings: too many errors; its cordons are lifted. Nothing was switched")
	if got := fmt.Sprint(w.calls); strings.Contains(got, "terms") || w.left() != "" {
		t.Errorf("%s, %s", got, w.left())
	}
	w, d = rings(func(*town) bool { return false })
	d.ends(t, applier.Finished, "")
	w.alarms["latency"] = "ALARM"
	back := d.undone()
	back.a.Step.Args = d.a.Step.Args
	back.ends(t, applier.Finished, "")
	if c := w.karp.class; c.Image() != "ami-1" || w.left() != "" {
		t.Errorf("back: %+v, %s", c, w.left())
	}
}

// TestAClassForced ends the runs that outlast their time, where the plan says so.
func TestAClassForced(t *testing.T) {
	w := newKarpenter(2, false, false)
	w.busy(1, 50*time.Hour)
	d := classDriver(t, w, schema.Roll{Strategy: schema.OnDemand, DrainTimeout: "1h", Force: true})
	if fault := d.over(100*time.Hour, applier.Finished); fault != "" || len(w.killed) != 1 {
		t.Errorf("%s, killed %v: %v", fault, w.killed, w.calls)
	}
}

// TestAHoldThatSomebodyTakesAway is put back.
func TestAHoldThatSomebodyTakesAway(t *testing.T) {
	w := newKarpenter(2, false, false)
	w.busy(0, 50*time.Minute)
	d := classDriver(t, w, onDemand(1))
	taken := false
	d.each = func() {
		if w.karp.class.Terms == newTerms && !taken {
			taken = true
			p := &w.karp.pools[1]
			p.Budgets, p.Version = []string{`{"nodes":"1"}`}, w.version()
			w.karp.hears[1] = w.now.Add(5 * time.Second)
		}
	}
	d.ends(t, applier.Finished, "")
	if !taken || len(w.killed) > 0 || w.left() != "" || strings.Count(fmt.Sprint(w.calls), `hold b "domctl`) != 2 {
		t.Errorf("killed %v, %s: %v", w.killed, w.left(), w.calls)
	}
}

// TestASwitchThatLandsLate, after the process that made it is gone and the apply abandoned,
// finds drift held.
func TestASwitchThatLandsLate(t *testing.T) {
	w := newKarpenter(2, false, false)
	w.busy(0, 5*time.Hour)
	d := classDriver(t, w, onDemand(1))
	d.loses = func() bool { return d.a.Mark != "" && strings.HasPrefix(d.a.Mark, swap) }
	w.chance = func(n int) int { return n - 1 }
	d.each = func() { d.abort = d.abort || len(w.later) > 0 }
	if fault := d.over(10*time.Hour, applier.Undone, applier.Finished); fault != "" {
		t.Error(fault)
	}
	w.pass(time.Hour)
	if len(w.killed) > 0 || w.karp.class.Terms != newTerms {
		t.Errorf("killed %v: %v", w.killed, w.calls)
	}
}

// TestANodeOfWhichNobodyTellsTheImage keeps drift held until somebody does.
func TestANodeOfWhichNobodyTellsTheImage(t *testing.T) {
	w := newKarpenter(0, false, false)
	w.chance = func(n int) int { return n - 1 }
	d := classDriver(t, w, onDemand(1))
	asked := 0
	w.each = func() {
		switch {
		case w.karp.pools[1].HeldBy != "" && asked == 0:
			w.starts(0)
			asked, w.karp.slow = 1, w.machines[0].ID
			w.runs = append(w.runs, &run{id: "run1", on: w.karp.slow, shows: w.now, lasts: 8 * time.Minute, ends: w.now.Add(8 * time.Minute)})
		case w.karp.class.Terms == newTerms && asked == 1:
			asked = 2
			w.starts(1)
		}
	}
	d.ends(t, applier.Finished, "")
	if got := fmt.Sprint(w.calls); len(w.killed) > 0 || !strings.Contains(got, "delete i-001 ") || w.images() != "ami-2" {
		t.Errorf("killed %v, %s: %s", w.killed, w.images(), got)
	}
}

// TestClassesKillNoRun: while runs begin and end, and the process dies between any two
// calls, or with one on its way, no run is ended, and no NodePool is let go of while a node
// drifts; the roll ends once runs do, and so does the way back from wherever it got.
func TestClassesKillNoRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(1, 6).Draw(t, "nodes")
		w := newKarpenter(nodes, rapid.Bool().Draw(t, "follows"), rapid.Bool().Draw(t, "holds"))
		before, budgets := w.karp.class, fmt.Sprint(w.karp.pools[0].Budgets, w.karp.pools[1].Budgets)
		w.room = rapid.IntRange(1, 4).Draw(t, "room")
		w.chance = random(rapid.Uint32().Draw(t, "seed"))
		unavailable := rapid.IntRange(1, 3).Draw(t, "unavailable")
		w.bustle(int64(nodes), rapid.IntRange(2, 12).Draw(t, "load"))
		d := classDriver(t, w, onDemand(unavailable))
		dying := func(d *driver) {
			deaths := rapid.IntRange(0, 30).Draw(t, "deaths")
			d.crash = func() bool {
				if deaths == 0 || w.chance(20) != 0 {
					return false
				}
				deaths--
				return true
			}
			d.loses = d.crash
		}
		dying(d)
		out := 0
		d.each = func() {
			n := 0
			for _, m := range w.alive() {
				if m.cordoned {
					n++
				}
			}
			out = max(out, n)
		}
		fault := func(what string) {
			if what != "" || len(w.killed) > 0 {
				t.Fatalf("%s; killed %v\n%s\n%v\n%v", what, w.killed, w.left(), w.calls, d.a.Begun)
			}
		}
		back := rapid.Bool().Draw(t, "aborted")
		if back {
			d.run(time.Duration(rapid.IntRange(0, 5000).Draw(t, "after")) * time.Second)
			d.abort = true
			fault(d.over(1000*time.Hour, applier.Undone, applier.Finished))
			if w.cordons() > 0 {
				fault("cordoned")
			}
		} else {
			fault(d.over(1000*time.Hour, applier.Finished))
			if out > unavailable {
				fault(fmt.Sprintf("%d cordoned at once", out))
			}
			if w.left() != "" || fmt.Sprint(w.karp.pools[0].Budgets, w.karp.pools[1].Budgets) != budgets || w.karp.image() != "ami-2" {
				fault("not as it should be")
			}
		}
		w.pass(2 * time.Hour)
		fault("")
		if w.karp.image() != "ami-2" { // nothing to take back
			return
		}
		undo := d.undone()
		undo.a.Step.Args = d.a.Step.Args
		dying(undo)
		d = undo
		fault(undo.over(1000*time.Hour, applier.Finished))
		if c := w.karp.class; c.Terms != before.Terms || c.Family != before.Family || w.left() != "" || fmt.Sprint(w.karp.pools[0].Budgets, w.karp.pools[1].Budgets) != budgets {
			fault(fmt.Sprintf("the way back: %+v", c))
		}
		for _, m := range w.alive() {
			if m.image != "ami-1" {
				fault(m.ID + " is of the new image")
			}
		}
	})
}
