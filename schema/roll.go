package schema

// Strategies of a roll.
const (
	OnDemand        = "onDemand"
	Surge           = "surge"
	InstanceRefresh = "instanceRefresh"
)

// Roll is how the nodes of a pool are replaced once its image was switched, as the files
// state it.
type Roll struct {
	Strategy       string `json:"strategy"`
	MaxUnavailable *int   `json:"maxUnavailable,omitempty"` // nodes of a group
	MaxSurge       *int   `json:"maxSurge,omitempty"`       // nodes of a group
	DrainTimeout   string `json:"drainTimeout,omitempty"`   // "4h"; "": however long runs take
	Window         string `json:"window,omitempty"`         // a name of deployment.windows; "": at any time
	Force          bool   `json:"force,omitempty"`          // live runs are ended after DrainTimeout
	// Alarms of CloudWatch, by name, turn the roll back when they ring.
	Alarms []string `json:"alarms,omitempty"`
	// Hours is when the window is open, filled in by a plan; nil: always.
	Hours *Window `json:"hours,omitempty"`
}

// Unavailable is how many nodes may be missing at once: what is stated, else none beside
// replacements that come first, and one where none do.
func (r Roll) Unavailable() int {
	switch {
	case r.MaxUnavailable != nil:
		return *r.MaxUnavailable
	case r.Strategy == Surge:
		return 0
	}
	return 1
}

// Most is how many replacements may stand beside the nodes that they replace.
func (r Roll) Most() int {
	switch {
	case r.MaxSurge != nil:
		return *r.MaxSurge
	case r.Strategy == Surge:
		return 1
	}
	return 0
}

// Roll of a node pool; false where the files state none.
func (o Object) Roll() (r Roll, stated bool) {
	v := o.Fields["roll"]
	if v.Is != Known {
		return r, false
	}
	decode(v, &r)
	return r, true
}
