package world

import (
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Anew says which environments the plan has built again, whatever stands built of the
// same. It comes before the plan is made.
func (v *View) Anew(all map[schema.Address]planner.Redo) {
	v.anew = map[schema.Address]bool{}
	for a := range all {
		v.anew[a] = true
	}
}
