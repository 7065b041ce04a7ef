package roll

import (
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/schema"
)

// TestTheWayBackForcesNothing: the plan of a rollback says of no run that it is ended.
func TestTheWayBackForcesNothing(t *testing.T) {
	force := schema.Roll{Strategy: schema.Surge, DrainTimeout: "30m", Force: true}
	w := newTown(2)
	d := newDriver(t, w, force)
	d.ends(t, applier.Finished, "")
	w.group.Version = "1"
	d.a.Step = again(d.a.Step, true)[0]
	d.a.Begun, d.a.Apply = map[string]bool{}, "apply2"
	for i, m := range w.machines {
		if m.alive() {
			w.busy(i, 5*time.Hour)
		}
	}
	d.segment()
	d.ends(t, applier.Finished, "")

	k := newKarpenter(2, false, false)
	k.chance = func(n int) int { return n - 1 }
	force.Strategy = schema.OnDemand
	d = classDriver(t, k, force)
	k.busy(0, time.Minute)
	k.busy(1, time.Minute)
	back := d.undone()
	back.a.Step.Args = d.a.Step.Args
	k.karp.class.Terms = newTerms
	for i := range k.machines {
		k.machines[i].image = "ami-2"
		k.busy(i, 5*time.Hour)
	}
	back.ends(t, applier.Finished, "")
}

// TestACordonThatTellsNoTime is no deadline: nobody knows how long its runs had.
func TestACordonThatTellsNoTime(t *testing.T) {
	for _, force := range []bool{true, false} {
		w := newTown(2)
		d := newDriver(t, w, schema.Roll{Strategy: schema.OnDemand, DrainTimeout: "12h", Force: force})
		w.busy(0, 5*time.Hour)
		w.machines[0].cordoned, w.machines[0].by = true, cordonNote+d.a.Token[:16]+" whenever"
		d.ends(t, applier.Finished, "")
	}
}

// TestTheWayBackOfWhatWasNotRolled: only nodes of the image that is taken back go, each when
// its runs have ended, and others stay that the roll never came to.
func TestTheWayBackOfWhatWasNotRolled(t *testing.T) {
	for _, strategy := range []string{schema.Surge, schema.OnDemand, schema.InstanceRefresh} {
		for _, done := range []bool{false, true} {
			w := newTown(3)
			w.machines[0].image, w.machines[1].image = "ami-0", "ami-2"
			w.busy(1, 2*time.Hour)
			w.group.Version = "1"
			d := newDriver(t, w, schema.Roll{Strategy: strategy, DrainTimeout: "3h"})
			d.a.Step = again(d.a.Step, done)[0]
			d.ends(t, applier.Finished, "")
			want := []string{"ami-0", "ami-1"}
			if done {
				want = want[1:]
			}
			if got := slices.Compact(slices.Sorted(strings.FieldsSeq(w.images()))); !slices.Equal(got, want) {
				t.Errorf("%s, done %t: %v, not %v: %v", strategy, done, got, want, w.calls)
			}
		}
	}
}

// TestAReasonThatReadsLikeAMark: what AWS says of an alarm tells nothing of the way back. One
// that does fail stops, with both reasons.
func TestAReasonThatReadsLikeAMark(t *testing.T) {
	for _, reason := range []string{"too many errors", "2 runs were stopped by the new image", "it rings because of errors", "x stopped by y because z gave-up"} {
		for _, fails := range []bool{false, true} {
			w := newTown(3)
			w.alarms, w.reason = map[string]string{"errors": "OK"}, reason
			d := newDriver(t, w, schema.Roll{Strategy: schema.Surge, Alarms: []string{"errors"}})
			d.each = func() {
				if n := strings.Count(w.images(), "ami-2"); n > 1 {
					w.alarms["errors"] = "ALARM"
					if fails {
						w.dead = []string{"ami-1"}
					}
				}
			}
			why := "DC838: alarm errors of CloudWatch rings: " + reason + ". "
			if fails {
				d.ends(t, applier.Failed, why+"gpu-a starts nodes from ami-1 again; the way back stopped there: DC833: ")
			} else {
				d.ends(t, applier.Failed, why+"It was turned back")
			}
			if strings.Contains(w.images(), "ami-2") != fails {
				t.Errorf("%s, fails %t: %s, %v", reason, fails, w.images(), w.calls)
			}
		}
	}
}
