package roll

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// TestClassesTurnBack: where nodes of the new image stop getting ready, the class starts none,
// or an alarm rings, and the process dies between any two calls or with one on its way, the
// class stands as it did, no node is of the new image, nothing is held or cordoned, and no run
// was ended, the new nodes' neither. Abandoned on its way, it leaves no cordon.
func TestClassesTurnBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		nodes := rapid.IntRange(1, 6).Draw(t, "nodes")
		w := newKarpenter(nodes, rapid.Bool().Draw(t, "follows"), rapid.Bool().Draw(t, "holds"))
		before, budgets := w.karp.class, fmt.Sprint(w.karp.pools[0].Budgets, w.karp.pools[1].Budgets)
		w.room, w.chance = rapid.IntRange(1, 4).Draw(t, "room"), random(rapid.Uint32().Draw(t, "seed"))
		w.alarms = map[string]string{"errors": "OK"}
		w.bustle(int64(nodes), rapid.IntRange(2, 12).Draw(t, "load"))
		roll := onDemand(rapid.IntRange(1, 3).Draw(t, "unavailable"))
		roll.Alarms, roll.Force, roll.DrainTimeout = []string{"errors"}, true, "900h"
		d := classDriver(t, w, roll)
		deaths := rapid.IntRange(0, 30).Draw(t, "deaths")
		d.crash = func() bool {
			if deaths == 0 || w.chance(20) != 0 {
				return false
			}
			deaths--
			return true
		}
		d.loses = d.crash
		what, good := rapid.SampledFrom([]string{"dead", "fails", "rings"}).Draw(t, "what"), rapid.IntRange(0, 4).Draw(t, "good")
		switched := false
		d.each = func() {
			is := w.karp.class.Terms == newTerms
			switched = switched || is
			made := 0
			for _, m := range w.machines {
				if m.image == "ami-2" && w.ready(m) {
					made++
				}
			}
			switch spoiled := switched && made >= good; what {
			case "dead":
				if spoiled {
					w.dead = []string{"ami-2"}
				}
			case "fails":
				w.karp.fails = spoiled && is
			case "rings":
				if spoiled {
					w.alarms["errors"] = "ALARM"
				}
			}
		}
		fault := func(what string) {
			if what != "" || len(w.killed) > 0 || w.cordons() > 0 {
				t.Fatalf("%s; killed %v\n%s, %s\n%v\n%v", what, w.killed, w.left(), w.images(), w.calls, schema.Sorted(d.a.Begun))
			}
		}
		if rapid.Bool().Draw(t, "aborted") {
			d.run(time.Duration(rapid.IntRange(0, 20000).Draw(t, "after")) * time.Second)
			d.abort = true
			fault(d.over(1000*time.Hour, applier.Undone, applier.Finished))
			w.pass(2 * time.Hour)
			fault("")
			return
		}
		st, err := d.run(1000 * time.Hour)
		if err == nil && st.State == applier.Finished && !strings.Contains(w.images(), "ami-1") {
			fault("")
			return // all were replaced before
		}
		if err != nil || st.State != applier.Failed || !strings.Contains(st.Why, "It was turned back") {
			fault(fmt.Sprintf("%+v, %v", st, err))
		}
		if c := w.karp.class; c.Terms != before.Terms || c.Family != before.Family || w.left() != "" || strings.Contains(w.images(), "ami-2") || fmt.Sprint(w.karp.pools[0].Budgets, w.karp.pools[1].Budgets) != budgets {
			fault(fmt.Sprintf("the way back: %+v", c))
		}
		wrote := len(w.calls)
		if st, err := d.run(3 * time.Hour); err != nil || st.State != applier.Failed || len(w.calls) > wrote {
			fault(fmt.Sprintf("looked at again: %+v, %v, %v", st, err, w.calls[wrote:]))
		}
		w.pass(2 * time.Hour)
		fault("")
	})
}

// TestAWayBackOfAClassThatFails stops, and says so with both reasons; drift stays held, since
// the nodes that are left drift.
func TestAWayBackOfAClassThatFails(t *testing.T) {
	w := newKarpenter(3, false, false)
	w.chance = func(n int) int {
		if n == 10 {
			return 0 // a node is started at once
		}
		return n - 1
	}
	w.alarms = map[string]string{"errors": "OK"}
	w.room = 1
	d := classDriver(t, w, schema.Roll{Strategy: schema.OnDemand, Alarms: []string{"errors"}})
	w.each = func() {
		if w.karp.class.Terms == newTerms && len(w.runs) == 0 {
			for i := range 5 {
				w.runs = append(w.runs, &run{id: fmt.Sprint("run", i), lasts: 30 * time.Hour})
			}
		}
		if slices.ContainsFunc(w.machines, func(m *machine) bool { return m.image == "ami-2" && w.ready(m) }) {
			w.alarms["errors"], w.dead = "ALARM", []string{"ami-1"}
			if w.karp.class.Terms != newTerms && len(w.runs) == 5 {
				w.runs = append(w.runs, &run{id: "more", lasts: time.Hour})
			}
		}
	}
	w.karp.most = 9
	d.ends(t, applier.Failed, "DC838: alarm errors of CloudWatch rings: too many errors. EC2NodeClass gpu is as it was; the way back stopped there: DC833: ")
	if st, err := d.executor().Observe(t.Context(), d.a); err != nil || !strings.Contains(st.Why, " of the old image was asked for at ") {
		t.Errorf("%+v, %v", st, err)
	}
	if c := w.karp.class; c.Image() != "ami-1" || w.left() != "a is held, b is held" {
		t.Errorf("%+v, %s, %s: %v", c, w.left(), w.images(), w.calls)
	}
}

// rung is a town whose alarm rings once its class is switched.
func rung(t *testing.T, nodes int) (*town, *driver) {
	w := newKarpenter(nodes, false, false)
	w.chance = func(n int) int { return n - 1 }
	w.alarms = map[string]string{"errors": "OK"}
	d := classDriver(t, w, schema.Roll{Strategy: schema.OnDemand, Alarms: []string{"errors"}})
	d.each = func() {
		if w.karp.class.Terms == newTerms {
			w.alarms["errors"] = "ALARM"
		}
	}
	return w, d
}

// TestASwitchOnItsWayWhenAnAlarmRings lands after the roll was to fail: it is taken back.
func TestASwitchOnItsWayWhenAnAlarmRings(t *testing.T) {
	for _, hold := range []bool{true, false} {
		w, d := rung(t, 2)
		if !hold {
			for i := range w.karp.pools {
				w.karp.pools[i].Budgets, w.karp.heard[i] = []string{port.DriftHold}, true
			}
		}
		w.busy(0, time.Hour)
		d.each = func() {}
		d.loses = func() bool {
			if strings.HasPrefix(d.a.Mark, swap+" ") && len(w.later) == 0 && w.alarms["errors"] == "OK" {
				w.alarms["errors"] = "ALARM"
				return true
			}
			return false
		}
		d.ends(t, applier.Failed, "It was turned back")
		w.pass(2 * time.Hour)
		if got := fmt.Sprint(w.calls); w.karp.class.Image() != "ami-1" || w.left() != "" || len(w.killed) > 0 || !strings.Contains(got, newTerms) {
			t.Errorf("%+v, %s, killed %v: %s", w.karp.class, w.left(), w.killed, got)
		}
	}
}

// TestASwitchBackOnItsWay when the roll is abandoned finds drift held, or lands before it is let
// go of.
func TestASwitchBackOnItsWay(t *testing.T) {
	w, d := rung(t, 2)
	d.each = func() {
		if w.images() == "ami-2" && len(w.runs) == 0 {
			w.alarms["errors"] = "ALARM"
			w.busy(len(w.machines)-1, 5*time.Hour)
		}
		d.abort = d.abort || len(w.later) > 0
	}
	w.each = func() {
		if w.karp.class.Terms == newTerms && !strings.Contains(w.images(), "ami-2") {
			w.starts(0)
		}
	}
	d.loses = func() bool { return strings.HasPrefix(d.a.Mark, swapBack+" ") && !d.abort }
	st, err := d.run(3 * time.Hour)
	w.pass(time.Hour)
	if err != nil || !d.abort || len(w.killed) > 0 || w.cordons() > 0 || w.karp.class.Image() != "ami-1" {
		t.Errorf("%+v, %v, %+v, %s, killed %v: %v", st, err, w.karp.class, w.left(), w.killed, w.calls)
	}
}

// TestAReleaseOnItsWay when an alarm rings lands before the class is switched back: it is put
// back first.
func TestAReleaseOnItsWay(t *testing.T) {
	w, d := rung(t, 2)
	d.each = func() {
		if len(w.later) > 0 && w.alarms["errors"] == "OK" {
			w.alarms["errors"] = "ALARM"
			w.busy(len(w.machines)-1, 5*time.Hour)
		}
	}
	w.each = func() {
		if w.karp.class.Terms == newTerms && !strings.Contains(w.images(), "ami-2") {
			w.starts(0)
		}
	}
	d.loses = func() bool { return strings.HasPrefix(d.a.Mark, release+" ") && w.alarms["errors"] == "OK" }
	st, err := d.run(20 * time.Hour)
	got := fmt.Sprint(w.calls)
	if err != nil || st.State != applier.Failed || len(w.runs) != 0 || len(w.killed) > 0 || w.left() != "" || strings.Count(got, `hold a "domctl`) != 2 || strings.LastIndex(got, `hold a "domctl`) > strings.Index(got, `terms [{"id":"ami-1"`) {
		t.Errorf("%+v, %v, %+v, %s, killed %v: %v", st, err, w.karp.class, w.left(), w.killed, w.calls)
	}
}

// TestAHoldThatIsTakenAwayBeforeTheWayBack is put back, and heard of, before the class is
// written: nodes of the new image would drift.
func TestAHoldThatIsTakenAwayBeforeTheWayBack(t *testing.T) {
	w, d := rung(t, 2)
	once, back := false, d.each
	d.each = func() {
		if back(); w.alarms["errors"] == "ALARM" && !once {
			once = true
			w.karp.pools[1].Budgets, w.karp.pools[1].HeldBy, w.karp.pools[1].Version = nil, "", w.version()
		}
	}
	d.ends(t, applier.Failed, "It was turned back")
	if got := fmt.Sprint(w.calls); strings.Count(got, `hold b "domctl`) != 2 || strings.LastIndex(got, `hold b "domctl`) > strings.Index(got, "ami-1") || w.left() != "" {
		t.Errorf("%s, %s", w.left(), got)
	}
}

// TestNodesThatTakeNoRuns on the way back go at once, however few may be missing.
func TestNodesThatTakeNoRuns(t *testing.T) {
	w, d := rung(t, 1)
	w.busy(0, 9*time.Hour)
	each, once := d.each, false
	d.each = func() {
		if each(); w.alarms["errors"] == "ALARM" && !once {
			once, w.dead = true, []string{"ami-2"}
			w.starts(0)
			w.starts(1)
			w.pass(time.Minute)
		}
	}
	d.ends(t, applier.Failed, "It was turned back")
	if got := fmt.Sprint(w.calls); !strings.Contains(got, "cordon i-002 true cordon i-003 true") || w.images() != "ami-1" {
		t.Errorf("%s: %s", w.images(), got)
	}
}

// TestWhatTheWayBackFinds: a node of a third image would drift, and goes too; one of the old
// image that is not ready for long is none of the roll's.
func TestWhatTheWayBackFinds(t *testing.T) {
	w, d := rung(t, 2)
	w.pass(time.Hour)
	w.machines[1].never, d.a.Began = true, w.now
	each := d.each
	d.each = func() {
		if each(); w.alarms["errors"] == "ALARM" { // held by now, so that Karpenter leaves it
			w.machines[0].image = "ami-0"
		}
	}
	d.ends(t, applier.Failed, "It was turned back")
	if w.images() != "ami-1" || w.left() != "" {
		t.Errorf("%s, %s: %v", w.images(), w.left(), w.calls)
	}
}

// TestAnAliasThatMovedOn while the class named an image: every node is of what it means by then,
// after the way back as after a rollback.
func TestAnAliasThatMovedOn(t *testing.T) {
	for _, rings := range []bool{true, false} {
		w := newKarpenter(3, true, false)
		w.chance = func(n int) int { return n - 1 }
		w.alarms = map[string]string{"errors": "OK"}
		w.busy(0, 2*time.Hour)
		d := classDriver(t, w, schema.Roll{Strategy: schema.OnDemand, Alarms: []string{"errors"}})
		d.each = func() {
			if w.karp.class.Terms == newTerms {
				w.karp.alias = "ami-3"
				if rings {
					w.alarms["errors"] = "ALARM"
				}
			}
		}
		if rings {
			d.ends(t, applier.Failed, "It was turned back")
		} else {
			d.run(time.Hour) // and is abandoned half way
			d.abort = true
			d.ends(t, applier.Finished, "")
			back := d.undone()
			back.a.Step.Args = d.a.Step.Args
			back.ends(t, applier.Finished, "")
		}
		if strings.Trim(w.images(), "ami-3 ") != "" || w.left() != "" || w.karp.class.Terms != oldTerms {
			t.Errorf("rings %t: %s, %s: %v", rings, w.images(), w.left(), w.calls)
		}
	}
}

// TestAHoldBeforeTheSwitch is let go of while Karpenter tells no images, since nothing was
// switched; once a switch was begun it stays until they are told.
func TestAHoldBeforeTheSwitch(t *testing.T) {
	for _, begun := range []bool{false, true} {
		w := newKarpenter(2, true, false)
		w.chance = func(n int) int { return n - 1 }
		d := classDriver(t, w, onDemand(1))
		d.each = func() {
			switch {
			case w.karp.pools[1].HeldBy != "" && !begun:
				d.abort, w.karp.fails = true, true
			case begun && w.karp.class.Terms == newTerms:
				w.karp.class.Terms, w.karp.class.Family, w.karp.class.Version = oldTerms, "", w.version()
				d.abort, w.karp.fails = true, true
			}
		}
		d.ends(t, applier.Undone, "")
		if (w.left() != "") != begun || !d.abort {
			t.Errorf("begun %t: %s: %v", begun, w.left(), w.calls)
		}
		w.karp.fails = false
		w.pass(time.Hour)
		if strings.Contains(fmt.Sprint(w.images()), "ami-2") {
			t.Error(w.images())
		}
	}
}

// TestAnotherTakesTheClassOrANodePoolAway: what is ours goes, cordons and holds, but for the
// hold of a NodePool whose nodes would drift.
func TestAnotherTakesTheClassOrANodePoolAway(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(w *town)
		says  string
		left  string
	}{
		"the class is gone": {func(w *town) { w.karp.gone = true }, "DC831: there is no EC2NodeClass gpu any more; its cordons are lifted, and drift stays held", "a is held, b is held"},
		"so are its nodes": {func(w *town) {
			w.karp.gone, w.machines, w.runs = true, nil, nil
		}, "DC831: there is no EC2NodeClass gpu any more; its cordons are lifted. Look at it", ""},
		"a NodePool was moved, and has nodes": {func(w *town) { w.karp.pools[1].Class = "cpu" }, "", "b is held"},
		"a NodePool was moved, and has none": {func(w *town) {
			w.karp.pools[1].Class = "cpu"
			w.machines = slices.DeleteFunc(w.machines, func(m *machine) bool { return w.karp.of[m.ID] == 1 })
		}, "", ""},
	} {
		w := newKarpenter(2, false, false)
		w.chance = func(n int) int { return n - 1 }
		w.busy(0, 2*time.Hour)
		d := classDriver(t, w, onDemand(1))
		once := false
		d.each = func() {
			if w.cordons() > 0 && !once {
				once = true
				c.spoil(w)
			}
		}
		want := applier.Failed
		if c.says == "" {
			want = applier.Finished
			w.each = func() { // a NodePool of another class keeps the node that it has
				for _, m := range w.machines {
					if w.karp.of[m.ID] == 1 && w.karp.pools[1].Class == "cpu" {
						m.image = "ami-2"
					}
				}
			}
		}
		d.ends(t, want, c.says)
		if !once || w.left() != c.left {
			t.Errorf("%s: %s, want %s: %v", name, w.left(), c.left, w.calls)
		}
		if d.abort = true; want == applier.Failed {
			d.ends(t, applier.Undone, "")
		}
		if len(w.killed) > 0 || w.left() != c.left {
			t.Errorf("%s: killed %v, %s", name, w.killed, w.left())
		}
	}
}

// TestANodePoolOfAnotherClassByNow needs its hold while one of its nodes would drift from that.
func TestANodePoolOfAnotherClassByNow(t *testing.T) {
	now := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	classes := []port.NodeClass{{Name: "cpu", Terms: `[{"id":"ami-7"}]`}, {Name: "follows", Terms: oldTerms}}
	for _, c := range []struct {
		class string
		claim port.NodeClaim
		needs bool
	}{
		{"cpu", port.NodeClaim{Pool: "b", Class: "gpu", Image: "ami-7"}, true},
		{"cpu", port.NodeClaim{Pool: "b", Class: "cpu", Image: "ami-2"}, true},
		{"cpu", port.NodeClaim{Pool: "b", Class: "cpu", Image: "ami-7"}, false},
		{"cpu", port.NodeClaim{Pool: "b", Class: "cpu", Created: now}, true},
		{"cpu", port.NodeClaim{Pool: "b", Class: "gpu", Image: "ami-1", Going: true}, false},
		{"cpu", port.NodeClaim{Pool: "a", Class: "gpu", Image: "ami-1"}, false},
		{"follows", port.NodeClaim{Pool: "b", Class: "follows", Image: "ami-1"}, true},
		{"gone", port.NodeClaim{Pool: "b", Class: "gone", Image: "ami-1"}, true},
	} {
		c.claim.Name = "one"
		if got := straying(port.NodePool{Name: "b", Class: c.class}, classes, []port.NodeClaim{c.claim}, now); (got != "") != c.needs {
			t.Errorf("%s, %+v: %q", c.class, c.claim, got)
		}
	}
}
