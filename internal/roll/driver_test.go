package roll

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/operation"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// driver carries out one step as the applier does.
type driver struct {
	t      logger
	w      *town
	r      *Roller
	a      applier.Attempt
	asked  map[string]bool
	before map[string]bool
	since  time.Time
	crash  func() bool // before and after each call: the process dies
	loses  func() bool // with a call on its way
	each   func()      // between any two calls
	abort  bool
	roller func() *Roller
}

const testWindow = 60

var errDied = errors.New("died")

// logger is a test, of whatever kind.
type logger interface{ Logf(string, ...any) }

func newDriver(t logger, w *town, roll schema.Roll) *driver {
	d := &driver{t: t, w: w, crash: func() bool { return false }, loses: func() bool { return false }, each: func() {}}
	d.roller = func() *Roller {
		return &Roller{Outside: w, Nodes: w, Karpenter: w, Census: w, Now: func() time.Time { return w.now }, Single: w.single}
	}
	d.a = applier.Attempt{Apply: "apply1", Began: w.now, Token: strings.Repeat("ab", 24), Begun: map[string]bool{}, Step: planner.Step{ID: "nodePools.gpu/roll.group/gpu-a", Op: operation.RollGroup, Object: "asg/group#gpu-a", Window: testWindow,
		Args: map[string]schema.Value{"image": schema.JSON("ami-2"), "from": schema.JSON("ami-1"), "roll": schema.JSON(roll), "switch": schema.JSON(planner.Step{Op: "autoscaling.UpdateAutoScalingGroup", Object: "asg/group#gpu-a", Writes: map[string]schema.Value{"version": schema.JSON("1")}})}}}
	d.restart()
	return d
}

// restart is a new process: nothing of the last one's memory is left.
func (d *driver) restart() {
	d.r = d.roller()
	d.segment()
}

func (d *driver) segment() {
	d.asked, d.before, d.since = map[string]bool{}, map[string]bool{}, d.w.now
	for mark := range d.a.Begun {
		d.before[mark] = true
	}
}

func (d *driver) executor() applier.Executor { return d.r.Operations()[d.a.Step.Op].Executor }

// go carries the step on until it ends, or for so long.
func (d *driver) run(most time.Duration) (applier.Status, error) {
	tries := 0
	for end := d.w.now.Add(most); d.w.now.Before(end); {
		d.each()
		d.a.Abort = d.abort
		if d.crash() {
			d.restart()
		}
		st, err := d.executor().Observe(context.Background(), d.a)
		if err != nil {
			return st, err
		}
		late := d.w.now.Sub(d.since) < testWindow*time.Second
		if late && st.Doubt && len(d.a.Begun) > 0 {
			d.w.pass(time.Second)
			continue
		}
		switch st.State {
		case applier.Pending:
			d.w.pass(max(st.Wait, time.Second))
			d.segment()
			continue
		case applier.Undone:
			if late && len(d.a.Begun) > 0 && !st.Certain {
				d.w.pass(time.Second)
				continue
			}
			return st, nil
		case applier.Next:
		default:
			return st, nil
		}
		if late && d.a.Begun[st.Mark] && (st.Guard == planner.Absolute || d.asked[st.Mark]) {
			d.w.pass(time.Second)
			continue
		}
		if d.asked[st.Mark] {
			return st, fmt.Errorf("DC317: %s left no effect", st.Mark)
		}
		d.a.Begun[st.Mark], d.asked[st.Mark], d.a.Mark = true, true, st.Mark
		if d.crash() {
			d.restart()
			continue
		}
		d.each()
		if d.loses() {
			d.w.lost = time.Duration(1+d.w.chance(testWindow-5)) * time.Second
		}
		err = d.executor().Start(context.Background(), d.a)
		if d.w.lost > 0 {
			d.w.lost = 0
			d.restart()
			continue
		}
		d.since = d.w.now
		var no *applier.Refusal
		if errors.As(err, &no) {
			delete(d.asked, st.Mark)
			if !d.before[st.Mark] {
				delete(d.a.Begun, st.Mark)
			}
			if tries++; tries > 5 || !no.Retry {
				tries = 0
				// the applier fails a step whose refusals it repeated; looking again goes on
				if next, err := d.executor().Observe(context.Background(), d.a); err == nil && next.State == applier.Next && next.Mark == st.Mark {
					return next, no
				}
			}
			d.w.pass(2 * time.Second)
			continue
		}
		tries = 0
		d.before[st.Mark] = true
		if err != nil {
			d.t.Logf("%s: %v", st.Mark, err)
		}
		if d.crash() {
			d.restart()
		}
	}
	return applier.Status{State: applier.Pending, Why: "no time left"}, nil
}

// waits runs a roll for so long and expects it to wait, and to say for what.
func (d *driver) waits(t *testing.T, most time.Duration, says string) {
	t.Helper()
	st, err := d.run(most)
	if err != nil || st.State != applier.Pending {
		t.Fatalf("%+v, %v\n%v", st, err, d.w.calls)
	}
	if st, err = d.executor().Observe(t.Context(), d.a); err != nil || !strings.Contains(st.Why, says) {
		t.Fatalf("%+v, %v; want %q", st, err, says)
	}
}

// ends runs a roll to its end.
func (d *driver) ends(t *testing.T, want applier.State, says string) {
	t.Helper()
	st, err := d.run(10 * time.Hour)
	if err != nil || st.State != want || !strings.Contains(st.Why, says) {
		t.Fatalf("%+v, %v; want %q\n%v", st, err, says, d.w.calls)
	}
	if len(d.w.killed) > 0 || d.w.cordons() > 0 {
		t.Fatalf("killed %v, %d cordoned\n%v", d.w.killed, d.w.cordons(), d.w.calls)
	}
}
