package roll

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"domctl.dev/applier"
	"domctl.dev/schema"
)

// random is a generator of its own: draws of rapid would be millions.
func random(seed uint32) func(n int) int {
	seed |= 1
	return func(n int) int {
		seed ^= seed << 13
		seed ^= seed >> 17
		seed ^= seed << 5
		return int(seed&0x7fffffff) % n
	}
}

// bustle has runs begin so that tenths of the nodes' room are taken, and says how many
// did.
func (w *town) bustle(nodes int64, load int) (started *int) {
	started = new(int)
	w.each = func() {
		if *started < 5000 && w.chance(6000) < load*int(nodes)*w.room {
			*started++
			w.runs = append(w.runs, &run{id: fmt.Sprintf("run%d", *started), lasts: time.Duration(1+w.chance(1200)) * time.Second})
		}
	}
	w.pass(20 * time.Minute)
	return started
}

// drawn is a roll of a town in which runs begin and end, driven by a process that dies.
func drawn(t *rapid.T) (w *town, d *driver, nodes int64, roll schema.Roll) {
	nodes = rapid.Int64Range(1, 6).Draw(t, "nodes")
	w = newTown(nodes)
	w.group.Min = rapid.Int64Range(0, nodes).Draw(t, "min")
	w.room = rapid.IntRange(1, 4).Draw(t, "room")
	w.chance = random(rapid.Uint32().Draw(t, "seed"))
	roll = schema.Roll{Strategy: rapid.SampledFrom([]string{schema.OnDemand, schema.Surge}).Draw(t, "strategy"), MaxUnavailable: ptr(rapid.IntRange(0, 3).Draw(t, "unavailable"))}
	if roll.Strategy == schema.Surge {
		roll.MaxSurge = ptr(rapid.IntRange(1, 3).Draw(t, "surge"))
	} else {
		roll.MaxUnavailable = ptr(max(1, *roll.MaxUnavailable))
	}
	w.bustle(nodes, rapid.IntRange(2, 12).Draw(t, "load"))
	w.scaler = roll.Strategy == schema.OnDemand
	d = newDriver(t, w, roll)
	w.listed = time.Duration(rapid.SampledFrom([]int{0, 1, 5, 15}).Draw(t, "listed")) * time.Second
	deaths := rapid.IntRange(0, 30).Draw(t, "deaths")
	d.crash = func() bool {
		if deaths == 0 || w.chance(20) != 0 {
			return false
		}
		deaths--
		return true
	}
	d.loses = d.crash
	d.each = func() {
		if !w.scaler {
			w.watch(nodes)
		}
	}
	return w, d, nodes, roll
}

// TestRollsKillNoRun: while runs begin and end, and the process dies between any two
// calls, no run is ended, every old node is replaced, no more nodes are missing or stand
// beside than the plan allows, and the roll ends once runs do.
func TestRollsKillNoRun(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, d, nodes, roll := drawn(t)
		if rapid.Bool().Draw(t, "aborted") {
			d.run(time.Duration(rapid.IntRange(0, 5000).Draw(t, "after")) * time.Second)
			d.abort = true
			st, err := d.run(1000 * time.Hour)
			if err != nil || st.State != applier.Undone && st.State != applier.Finished || w.cordons() > 0 || len(w.killed) > 0 {
				t.Fatalf("%+v, %v: %d cordoned, killed %v\n%v\n%v", st, err, w.cordons(), w.killed, w.calls, d.a.Begun)
			}
			return
		}
		st, err := d.run(1000 * time.Hour)
		if err != nil || st.State != applier.Finished {
			t.Fatalf("%+v, %v\n%v\n%v", st, err, w.calls, d.a.Begun)
		}
		if fault := w.after(nodes, roll); fault != "" {
			t.Fatalf("%s\n%v", fault, w.calls)
		}
	})
}

// TestRollsTurnBack: where nodes of the new image stop getting ready, or AWS starts no more
// of them, the group starts the old image again and has no other node; no run is ended, the
// new nodes' neither.
func TestRollsTurnBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, d, nodes, roll := drawn(t)
		good, between := rapid.IntRange(0, 4).Draw(t, "good"), d.each
		d.each = func() {
			between()
			made := 0
			for _, m := range w.machines {
				if m.image == "ami-2" && w.ready(m) {
					made++
				}
			}
			if made >= good {
				w.dead = []string{"ami-2"}
			}
		}
		if rapid.Bool().Draw(t, "aborted") {
			d.run(time.Duration(rapid.IntRange(1000, 9000).Draw(t, "after")) * time.Second)
			d.abort = true
			st, err := d.run(1000 * time.Hour)
			if err != nil || st.State != applier.Undone && st.State != applier.Finished || w.cordons() > 0 || len(w.killed) > 0 {
				t.Fatalf("%+v, %v: %d cordoned, killed %v\n%v\n%v", st, err, w.cordons(), w.killed, w.calls, d.a.Begun)
			}
			return
		}
		st, err := d.run(1000 * time.Hour)
		if err == nil && st.State == applier.Finished && w.after(nodes, roll) == "" {
			return // all were replaced before
		}
		if err != nil || st.State != applier.Failed || !strings.Contains(st.Why, "It was turned back") || w.group.Version != "1" {
			t.Fatalf("%+v, %v\n%v\n%v", st, err, w.calls, d.a.Begun)
		}
		for _, m := range w.alive() {
			if m.image != "ami-1" || m.cordoned {
				t.Fatalf("%s: %s, cordoned %v\n%v", m.ID, m.image, m.cordoned, w.calls)
			}
		}
		if len(w.killed) > 0 || roll.Strategy == schema.Surge && w.group.Desired != nodes {
			t.Fatalf("killed %v, desired %d of %d\n%v", w.killed, w.group.Desired, nodes, w.calls)
		}
		before := len(w.calls)
		if st, err := d.run(time.Hour); err != nil || st.State != applier.Failed || len(w.calls) > before {
			t.Fatalf("looked at again: %+v, %v, %v", st, err, w.calls[before:])
		}
	})
}

// TestAWayBackMayStop: where nodes of neither image get ready from some time on, the roll ends
// all the same, at once or on its way back: it holds no cordon then, ended no run, and stays so.
func TestAWayBackMayStop(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, d, _, _ := drawn(t)
		first, between := w.now.Add(time.Duration(rapid.IntRange(0, 6000).Draw(t, "first"))*time.Second), d.each
		then := first.Add(time.Duration(rapid.IntRange(0, 6000).Draw(t, "then")) * time.Second)
		d.each = func() {
			between()
			switch {
			case w.now.After(then):
				w.dead = []string{"ami-1", "ami-2"}
			case w.now.After(first):
				w.dead = []string{"ami-2"}
			}
		}
		for range 2 {
			st, err := d.run(1000 * time.Hour)
			if err != nil || st.State != applier.Failed && st.State != applier.Finished || w.cordons() > 0 || len(w.killed) > 0 {
				t.Fatalf("%+v, %v: %d cordoned, killed %v\n%v\n%v", st, err, w.cordons(), w.killed, w.calls, d.a.Begun)
			}
			w.calls = nil
		}
	})
}

// after says what is wrong once a roll is over; "" when nothing is.
func (w *town) after(nodes int64, roll schema.Roll) string {
	for _, m := range w.alive() {
		if m.image != "ami-2" || m.cordoned {
			return fmt.Sprintf("%s: %s, cordoned %v", m.ID, m.image, m.cordoned)
		}
	}
	switch {
	case len(w.killed) > 0:
		return fmt.Sprintf("killed %v", w.killed)
	case roll.Strategy == schema.Surge && (w.group.Desired != nodes || w.beside > int64(roll.Most())):
		return fmt.Sprintf("desired %d of %d, %d beside", w.group.Desired, nodes, w.beside)
	case w.short > int64(roll.Unavailable()):
		return fmt.Sprintf("%d short", w.short)
	}
	return ""
}

// TestAThousandRunsBeginAndEnd while one group rolls.
func TestAThousandRunsBeginAndEnd(t *testing.T) {
	t.Parallel()
	w := newTown(40)
	w.room, w.chance = 3, random(7)
	started := w.bustle(40, 9)
	before, roll := *started, schema.Roll{Strategy: schema.Surge, MaxSurge: ptr(2)}
	d := newDriver(t, w, roll)
	d.each = func() { w.watch(40) }
	d.crash = func() bool { return w.chance(50) == 0 }
	st, err := d.run(100 * time.Hour)
	if fault := w.after(40, roll); err != nil || st.State != applier.Finished || fault != "" || *started-before < 1000 {
		t.Errorf("%+v, %v; %s; %d runs\n%v", st, err, fault, *started-before, w.calls)
	}
	t.Logf("%d runs began in %s", *started-before, w.now.Sub(d.a.Began))
}
