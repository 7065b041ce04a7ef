package engine_test

import (
	"strings"
	"testing"
	"time"
)

// TestCensusDuringARoll: wherever a roll stands, its drainTimeout is told of the nodes that
// it cordoned, and of no other step's; once it has ended, of none.
func TestCensusDuringARoll(t *testing.T) {
	t.Parallel()
	f := rolling(t, true)
	start := f.start(t)
	p := start.plan(f.after)
	sides := start.copy().count(f, p)
	told, untold := 0, 0
	for k := 1; k < sides; k += 29 {
		r := start.copy()
		r.dies(f, p, k)
		got, err := r.engine(f.after).CensusOfNodes(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range got.Nodes {
			at, _ := time.Parse(time.RFC3339, n.By[strings.LastIndex(n.By, " ")+1:])
			switch d := n.Deadline; {
			case n.Address.Name != "demand" || n.By == "":
				if untold++; d != nil {
					t.Errorf("%+v has a deadline", n)
				}
			case d == nil || n.Apply != p.ID || d.Apply != p.ID || d.Force || !d.At.Equal(at.Add(3*time.Hour)):
				t.Errorf("killed after %d: %+v, by %q", k, d, n.By)
			default:
				told++
			}
		}
	}
	if told == 0 || untold == 0 {
		t.Errorf("%d deadlines told, %d nodes without one", told, untold)
	}
}
