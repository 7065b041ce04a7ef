package roll

import (
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
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
		mark  string
		force bool
		own   bool
	}{
		"its own":         {step(operation.RollGroup, `{"drainTimeout": "2h"}`), note, "cordon i-1", false, true},
		"forced":          {step(operation.RollNodeGroup, `{"drainTimeout": "2h", "force": true}`), note, "cordon i-1", true, true},
		"Karpenter's":     {step(operation.RollNodeClass, `{"drainTimeout": "2h"}`), note, "cordon i-1", false, true},
		"turned back":     {step(operation.RollNodeClass, `{"drainTimeout": "2h", "force": true}`), note, "back 2026-03-31T12:01:00Z because DC838: it rings", false, true},
		"another's":       {step(operation.RollGroup, `{"drainTimeout": "2h"}`), "domctl 0123456789abcdee 2026-03-31T12:00:00Z", "cordon i-1", false, false},
		"a person's":      {step(operation.RollGroup, `{"drainTimeout": "2h"}`), "", "cordon i-1", false, false},
		"without a time":  {step(operation.RollGroup, `{"drainTimeout": "2h"}`), "domctl 0123456789abcdef", "cordon i-1", false, false},
		"however long":    {step(operation.RollGroup, `{}`), note, "cordon i-1", false, true},
		"another op":      {step("autoscaling.UpdateAutoScalingGroup", `{"drainTimeout": "2h"}`), note, "cordon i-1", false, false},
		"a plan of later": {step(operation.RollGroup, `[]`), note, "cordon i-1", false, false},
	} {
		at, force, own := Deadline(applier.Attempt{Step: c.step, Token: token, Begun: map[string]bool{c.mark: true}}, c.note)
		if timed := c.own && name != "however long" && name != "turned back"; own != c.own || force != c.force || at.IsZero() == timed || timed && stamp(at) != "2026-03-31T14:00:00Z" {
			t.Errorf("%s: %v, %v, %v", name, at, force, own)
		}
	}
}

// TestARollWithoutASwitchHasNoWayBack: nothing else stands for its nodes to go to.
func TestARollWithoutASwitchHasNoWayBack(t *testing.T) {
	s := planner.Step{ID: "s", Op: operation.RollGroup, Args: map[string]schema.Value{"image": schema.JSON("ami-2"), "from": schema.JSON("ami-2"), "roll": schema.JSON(schema.Roll{Strategy: schema.Surge})}}
	for _, done := range []bool{true, false} {
		if back := again(s, done); len(back) > 0 {
			t.Errorf("done %v: %+v", done, back)
		}
	}
}
