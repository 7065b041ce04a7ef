package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/port"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// TestPlansTellOfCapacity: what a plan has read anyway it judges as domctl capacity does, for
// one call more where pools expect instance types.
func TestPlansTellOfCapacity(t *testing.T) {
	right := node("a", "p", "m5.large", 1900, 7, 0)
	for name, c := range map[string]struct {
		zone   string
		denied bool
		types  []string // that the pool expects
		nodes  []port.Node
		want   []string
	}{
		"well":            {"us-west-2a", false, []string{"m5.large"}, []port.Node{right}, nil},
		"another zone":    {"us-west-2c", false, []string{"m5.large"}, []port.Node{right}, []string{"DC801 nodePools.p"}},
		"of no pool":      {"us-west-2a", false, []string{"m5.large"}, []port.Node{right, node("b", "", "m5.large", 1900, 7, 0)}, []string{"DC802 "}},
		"of two sizes":    {"us-west-2a", false, []string{"m5.large"}, []port.Node{right, node("b", "p", "m5.xlarge", 3900, 15, 0)}, []string{"DC803 nodePools.p"}},
		"nobody tells":    {"us-west-2c", true, []string{"m5.large"}, []port.Node{right}, []string{"DC806 "}},
		"nobody is asked": {"us-west-2c", true, nil, []port.Node{right}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, `"hardware_tier": [{"_id": "x", "nodePool": "p"}]`, strings.Replace(capacityTypes, `["x86_64"]`, `["x86_64"], "zones": ["us-west-2a"]`, 1)+strings.Replace(poolAWS, `"lt": {`, `"lt": {"zones": ["`+c.zone+`"], `, 1))
			if c.denied {
				b.open(sandbox.Options{Faults: []sandbox.Fault{{Call: "DescribeInstanceTypeOfferings", Fault: "denied"}}})
			}
			fields := map[string]any{"groups": asg("lt")}
			if c.types != nil {
				fields["expect.instanceTypes"] = c.types
			}
			w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now, Nodes: cluster{nodes: c.nodes}}
			files := all(object("hardwareTiers", "x", map[string]any{"nodePool": "@nodePools.p#label", "cores": 1}), object("nodePools", "p", fields))
			before := b.world.Counts().Pages["DescribeInstanceTypeOfferings"]
			v, err := w.Look(t.Context(), schema.Desired{Deployment: b.deployment, Objects: files}, func() (schema.Applied, error) { return schema.Applied{}, nil })
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, f := range v.Findings {
				address := ""
				if f.Address != (schema.Address{}) {
					address = f.Address.String()
				}
				got = append(got, f.Code+" "+address)
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("findings %v, want %v: %+v", got, c.want, v.Findings)
			}
			if calls := b.world.Counts().Pages["DescribeInstanceTypeOfferings"] - before; calls > 1 || calls == 1 && c.types == nil {
				t.Errorf("%d calls", calls)
			}
		})
	}
}
