package planner

import (
	"fmt"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// Kept is a pool or a tier that stands on a pinned image while others get another one.
// It is for people, and a plan's effect does not cover it.
type Kept struct {
	Address  schema.Address `json:"address"`
	Image    string         `json:"image"` // its id
	By       schema.Address `json:"by"`    // the entry that pins it
	Reason   string         `json:"reason"`
	ReviewBy string         `json:"reviewBy,omitempty"` // a day: "2027-03-31"
}

// keep lists what pins keep, in a plan that gives somebody an image which is baked,
// or goes by waves.
func (m *maker) keep() {
	if !m.promotes() {
		return
	}
	pins := map[schema.Value]schema.Address{}
	for a, o := range m.in.Desired.Objects {
		if id := o.Fields["pin.id"]; id.Is == schema.Known {
			if by, twice := pins[id]; !twice || a.Compare(by) < 0 {
				pins[id] = a
			}
		}
	}
	for _, a := range schema.Addresses(m.in.Desired.Objects) {
		if len(pins) == 0 || m.in.Select != nil && !m.in.Select(a) {
			continue
		}
		if by, image := m.keeper(a, pins); image != "" {
			pin := m.in.Desired.Objects[by].Fields
			m.plan.Kept = append(m.plan.Kept, Kept{Address: a, Image: image, By: by, Reason: pin["pin.reason"].Str(), ReviewBy: pin["pin.reviewBy"].Str()})
		}
	}
}

// keeper is the first entry that pins an image on which an address stands.
func (m *maker) keeper(a schema.Address, pins map[schema.Value]schema.Address) (by schema.Address, image string) {
	kind, _ := schema.KindOf(a.Kind)
	live := m.in.Live.Objects[a].Fields
	for _, p := range schema.Sorted(live) {
		if by, pinned := pins[live[p]]; pinned {
			if f, _ := kind.Field(p); strings.HasPrefix(f.To, "amis#") {
				return by, live[p].Str()
			}
		}
	}
	return by, ""
}

// promotes says that a change is of where such an image goes.
func (m *maker) promotes() bool {
	return slices.ContainsFunc(m.plan.Changes, func(c Change) bool {
		return slices.ContainsFunc(c.Fields, func(d Diff) bool {
			of, _, _ := m.in.Desired.Objects[c.Address].Fields[d.Path].Target()
			ami := m.in.Desired.Objects[of].Fields
			return ami["bake"].Is != schema.Absent || ami["from.deployment"].Is != schema.Absent || ami["rollout"].Is != schema.Absent
		})
	})
}

// kept renders what pins keep, for people.
func (p Plan) kept() string {
	if len(p.Kept) == 0 {
		return ""
	}
	var b strings.Builder
	b.WriteString("Kept where they are, by pins:\n\n")
	for _, k := range p.Kept {
		review := ""
		if k.ReviewBy != "" {
			review = ", review by " + k.ReviewBy
		}
		fmt.Fprintf(&b, "  %s\n    %s\n    pinned by %s%s\n", Printable(k.Address.String()+"  "+k.Image), Printable(k.Reason), Printable(k.By.String()), Printable(review))
	}
	return b.String() + "\n"
}
