package roll

import (
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func ptr(n int) *int { return &n }

// TestStrategies: each has every node on the new image, ends no run, and keeps to its
// bounds.
func TestStrategies(t *testing.T) {
	for name, c := range map[string]struct {
		roll          schema.Roll
		short, beside int64
	}{
		"surge":           {schema.Roll{Strategy: schema.Surge}, 0, 1},
		"wide surge":      {schema.Roll{Strategy: schema.Surge, MaxSurge: ptr(3), MaxUnavailable: ptr(1)}, 1, 3},
		"on demand":       {schema.Roll{Strategy: schema.OnDemand}, 4, 0},
		"instanceRefresh": {schema.Roll{Strategy: schema.InstanceRefresh}, 4, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newTown(4)
			w.group.Min = 2
			w.busy(1, 50*time.Minute)
			d := newDriver(t, w, c.roll)
			d.each = func() { w.watch(4) }
			st, err := d.run(10 * time.Hour)
			if err != nil || st.State != applier.Finished {
				t.Fatalf("%+v, %v\n%v", st, err, w.calls)
			}
			if len(w.killed) > 0 || w.short > c.short || w.beside > c.beside || w.cordons() > 0 {
				t.Errorf("killed %v, %d short, %d beside, %d cordoned", w.killed, w.short, w.beside, w.cordons())
			}
			want := "ami-2 ami-2 ami-2 ami-2"
			if c.roll.Strategy == schema.OnDemand {
				want = "ami-2 ami-2"
			}
			if w.images() != want {
				t.Errorf("%s, %v", w.images(), w.calls)
			}
			t.Log(w.now.Sub(d.a.Began), w.calls)
		})
	}
}

// TestSurgeOfAFewNodes: the replacement of a node that waits for its runs counts for that
// node, and keeps no other from being begun while more may stand beside.
func TestSurgeOfAFewNodes(t *testing.T) {
	w := newTown(2)
	w.busy(0, 5*time.Hour)
	w.busy(1, 5*time.Hour)
	d := newDriver(t, w, schema.Roll{Strategy: schema.Surge, MaxSurge: ptr(2)})
	most := 0
	d.each = func() { w.watch(2); most = max(most, w.cordons()) }
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != applier.Finished || len(w.killed) > 0 || w.short > 0 || w.beside > 2 || most != 2 || w.images() != "ami-2 ami-2" {
		t.Errorf("%+v, %v: killed %v, %d short, %d beside, %d cordoned at once, %s", st, err, w.killed, w.short, w.beside, most, w.images())
	}
}

// TestDeadline: of its own cordon alone a step says that it is, and when it waits no longer.
func TestDeadline(t *testing.T) {
	const token, note = "0123456789abcdef0123", "domctl 0123456789abcdef 2026-03-31T12:00:00Z"
	step := func(op, roll string) planner.Step {
		return planner.Step{Op: op, Args: map[string]schema.Value{"roll": {Is: schema.Known, Text: roll}}}
	}
	for name, c := range map[string]struct {
		step  planner.Step
		note  string
		force bool
		own   bool
	}{
		"its own":         {step(Group, `{"drainTimeout": "2h"}`), note, false, true},
		"forced":          {step(NodeGroup, `{"drainTimeout": "2h", "force": true}`), note, true, true},
		"Karpenter's":     {step(NodeClass, `{"drainTimeout": "2h"}`), note, false, true},
		"another's":       {step(Group, `{"drainTimeout": "2h"}`), "domctl 0123456789abcdee 2026-03-31T12:00:00Z", false, false},
		"a person's":      {step(Group, `{"drainTimeout": "2h"}`), "", false, false},
		"without a time":  {step(Group, `{"drainTimeout": "2h"}`), "domctl 0123456789abcdef", false, false},
		"however long":    {step(Group, `{}`), note, false, true},
		"another op":      {step("autoscaling.UpdateAutoScalingGroup", `{"drainTimeout": "2h"}`), note, false, false},
		"a plan of later": {step(Group, `[]`), note, false, false},
	} {
		at, force, own := Deadline(c.step, token, c.note)
		if timed := c.own && name != "however long"; own != c.own || force != c.force || at.IsZero() == timed || timed && stamp(at) != "2026-03-31T14:00:00Z" {
			t.Errorf("%s: %v, %v, %v", name, at, force, own)
		}
	}
}
