package world

import (
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Again says which environments the plan has built again, whatever stands built of the
// same. It comes before the plan is made.
func (v *View) Again(all map[schema.Address][]planner.Diff) {
	v.again = map[schema.Address]bool{}
	for a := range all {
		v.again[a] = true
	}
}
