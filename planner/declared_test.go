package planner

import (
	"testing"

	"domctl.dev/schema"
)

// TestFormerPinsAreRemembered as long as something declared was applied with
// them, under whatever name it has by now; to forget one is no change.
func TestFormerPinsAreRemembered(t *testing.T) {
	const id, before = "ami-1", "pinnedBefore.ami-1"
	pinned := fields{"image": id, "pin.id": id, "pin.reason": "r"}
	found := fields{"ssm": "/p", "image": "ami-2"}
	on := fields{"groups.a.ami": id}
	for name, c := range map[string]struct {
		situation
		empty, remembered bool
	}{
		"stood on": {situation: situation{applied: map[string]fields{"amis.x": pinned, "nodePools.p": on}, desired: map[string]fields{"amis.x": found, "nodePools.p": {}}}, remembered: true},
		"by what was renamed": {situation: situation{applied: map[string]fields{"amis.x": pinned, "nodePools.q": on},
			desired: map[string]fields{"amis.x": found, "nodePools.p": {"movedFrom": "q"}}}, remembered: true},
		"by a tier":          {situation: situation{applied: map[string]fields{"amis.x": pinned, tier: {"ami": id}}, desired: map[string]fields{"amis.x": found, tier: {}}}, remembered: true},
		"by its own entry":   {situation: situation{applied: map[string]fields{"amis.x": pinned}, desired: map[string]fields{"amis.x": found}}},
		"by what is gone":    {situation: situation{applied: map[string]fields{"amis.x": pinned, "nodePools.p": on}, desired: map[string]fields{"amis.x": found}}},
		"pinned again":       {situation: situation{applied: map[string]fields{"amis.x": {"image": "ami-2", before: "r"}, "nodePools.p": on}, desired: map[string]fields{"amis.x": pinned, "nodePools.p": {}}}},
		"stood on no longer": {situation: situation{applied: map[string]fields{"amis.x": {"image": "ami-2", before: "r"}}, desired: map[string]fields{"amis.x": found}}, empty: true},
	} {
		s := c.situation
		s.live = map[string]fields{"amis.x": {"image": s.desired["amis.x"]["image"]}}
		p, err := planned(s.input())
		if err != nil {
			t.Fatal(err)
		}
		entry := p.Settle[addr("amis.x")]
		if (entry == nil) != c.empty {
			t.Errorf("%s: the entry becomes %v", name, entry)
		}
		if entry != nil && (entry.Fields[before].Is != schema.Absent) != c.remembered {
			t.Errorf("%s: the entry becomes %v", name, entry.Fields)
		}
	}
}
