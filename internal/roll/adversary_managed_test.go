package roll

import (
	"testing"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// TestAManagedGroupThatNamesNoGroups: nobody tells which nodes EKS would drain.
func TestAManagedGroupThatNamesNoGroups(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
	w.busy(1, 100*time.Hour)
	d.spoil(&otherwise{town: w, group: func(g *port.NodeGroup) { g.Groups = nil }})
	d.waits(t, time.Hour, "which instances")
	if len(w.updates) > 0 || len(w.killed) > 0 {
		t.Errorf("updated: %v, killed %v", w.calls, w.killed)
	}
}

// TestAManagedGroupOfOtherVersions: EKS drains each node that is not of the version, of
// whatever image it is.
func TestAManagedGroupOfOtherVersions(t *testing.T) {
	for name, spoil := range map[string]func(m *machine){"unknown image": func(m *machine) { m.image = "" }, "the image, by another version": func(m *machine) { m.image = "ami-2" }} {
		w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
		spoil(w.machines[1])
		w.busy(1, 3*time.Hour)
		st, err := d.run(10 * time.Hour)
		if len(w.killed) > 0 || st.State != applier.Finished && w.machines[1].image != "" {
			t.Errorf("%s: %+v, %v, killed %v: %v", name, st, err, w.killed, w.calls)
		}
	}
}

// TestAManagedGroupThatIsDegraded is let go of: no cordon stays where EKS does nothing.
func TestAManagedGroupThatIsDegraded(t *testing.T) {
	w, d := managedTown(t, schema.Roll{Strategy: schema.OnDemand})
	w.busy(1, 50*time.Hour)
	o := &otherwise{town: w}
	d.spoil(o)
	d.each = func() {
		if w.cordons() == 3 && o.group == nil {
			o.group = func(g *port.NodeGroup) { g.Status = "DEGRADED" }
			d.abort = true
		}
	}
	d.ends(t, applier.Undone, "")
}
