package roll

import (
	"testing"
	"time"

	"domctl.dev/applier"
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
