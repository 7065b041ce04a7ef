package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
)

// TestOneDefaultTierAtMost: whatever the files state, a plan makes one tier the default at
// most, says of the others why not, and is carried out whole.
func TestOneDefaultTierAtMost(t *testing.T) {
	const three = `"hardware_tier": [{"_id": "a", "name": "a", "nodePool": "default", "flags": {"isDefault": true}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}},
		{"_id": "b", "name": "b", "nodePool": "default", "flags": {"isDefault": false}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}},
		{"_id": "c", "name": "c", "nodePool": "default", "flags": {"isDefault": false}, "resources": {"cores": 2, "memory": {"value": 4, "unit": "GiB"}}}]`
	type tier = map[string]any
	for name, c := range map[string]struct {
		a, b, c tier
		steps   int // that make a tier the default
		blocked []string
		stands  string
	}{
		"one":                   {tier{"isDefault": false}, tier{"isDefault": true}, nil, 1, nil, "b"},
		"two":                   {tier{"isDefault": false}, tier{"isDefault": true}, tier{"isDefault": true}, 0, []string{"hardwareTiers.a", "hardwareTiers.b", "hardwareTiers.c"}, "a"},
		"one more":              {tier{"isDefault": true}, tier{"isDefault": true}, nil, 0, []string{"hardwareTiers.b"}, "a"},
		"two that are archived": {nil, tier{"isDefault": true, "archived": true}, tier{"isDefault": true, "archived": true}, 0, []string{"hardwareTiers.b", "hardwareTiers.c"}, "a"},
		"one of which is":       {tier{"isDefault": false}, tier{"isDefault": true, "archived": true}, tier{"isDefault": true}, 1, []string{"hardwareTiers.b"}, "c"},
	} {
		t.Run(name, func(t *testing.T) {
			b := byAPI(t, three)
			b.api = func(w *sandbox.World) port.Domino { return hostile{World: w, one: true} }
			files := all()
			for name, fields := range map[string]tier{"a": c.a, "b": c.b, "c": c.c} {
				if fields != nil {
					files = all(files, object("hardwareTiers", name, fields))
				}
			}
			p := b.plan(files)
			var made int
			for _, s := range p.Steps {
				if s.Op == "domino.tier.default" {
					made++
				}
			}
			var blocked []string
			for _, change := range p.Changes {
				if change.Blocked != "" {
					blocked = append(blocked, change.Address.String())
				}
			}
			if made != c.steps || !slices.Equal(blocked, c.blocked) {
				t.Fatalf("%d steps, blocked %v\n%s", made, blocked, steps(p))
			}
			b.carryOut(files, p)
			for _, name := range []string{"a", "b", "c"} {
				if is := strings.Contains(b.tiers(name), `"isDefault":{"is":"known","text":"true"}`); is != (name == c.stands) {
					t.Errorf("%s is the default: %v", name, is)
				}
			}
		})
	}
}
