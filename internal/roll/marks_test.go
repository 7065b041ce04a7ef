package roll

import (
	"testing"

	"domctl.dev/applier"
)

// TestSurplusOfWhatLanded: a raise that was begun when its process died, and never came about,
// is none of the roll's own capacity once other writes follow it, so that nothing is given back
// for it.
func TestSurplusOfWhatLanded(t *testing.T) {
	for name, c := range map[string]struct {
		marks   []string
		desired int64
		want    int64
	}{
		"it shows":                          {[]string{"raise 6 7 #0 t", "cordon i-1"}, 7, 1},
		"it does not, and is the last":      {[]string{"raise 6 7 #0 t"}, 6, 0},
		"it does not, and others follow":    {[]string{"raise 6 7 #0 t", "switch because DC838", "cordon i-1 because DC838"}, 6, 0},
		"another raise begins where it did": {[]string{"raise 6 7 #0 t", "switch because DC838", "raise 6 8 #2 t because DC838"}, 8, 2},
		"it went with a node":               {[]string{"raise 6 7 #0 t", "terminate i-1 t 7 #1 smaller"}, 6, 0},
		"it stands while another node goes": {[]string{"raise 6 8 #0 t", "terminate i-1 t 8 #1 smaller"}, 7, 1},
		"it was lowered":                    {[]string{"raise 6 8 #0 t", "lower 8 7 #1 t"}, 7, 1},
		"the lowering does not show":        {[]string{"raise 6 8 #0 t", "lower 8 7 #1 t", "uncordon i-1"}, 8, 2},
	} {
		a := applier.Attempt{Begun: map[string]bool{}}
		for _, mark := range c.marks {
			a.Begun[mark] = true
		}
		var f found
		f.group.Desired = c.desired
		if got := pastOf(a).surplus(f); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}
