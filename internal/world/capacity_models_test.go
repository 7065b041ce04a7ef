package world_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// TestCapacityOfEachModel: by whatever nodes are started, capacity tells of the types, of
// zones that have none of them, of sizes that are unlike, and of the scale-down delay.
func TestCapacityOfEachModel(t *testing.T) {
	const aws = `"instanceTypes": {"m5.large": {"vcpus": 2, "memoryMiB": 8192, "zones": ["us-west-2a"]}, "m5a.large": {"vcpus": 2, "memoryMiB": 8192, "zones": ["us-west-2b"]}, "m5.xlarge": {"vcpus": 4, "memoryMiB": 16384}},
		"images": {"ami-11111111": {"name": "a", "architecture": "x86_64"}},
		"launchTemplates": {"lt-1": {"name": "one", "default": 1, "versions": [{"number": 1, "image": "ami-11111111", "instanceType": "m5.large"}]}},
		"launchConfigurations": {"lc-1": {"image": "ami-11111111", "instanceType": "m5.large"}},
		"autoScalingGroups": {
			"lt": {"max": 2, "template": "lt-1", "zones": ["us-west-2a", "us-west-2c"], "tags": {"` + autoscaler + `autoscaling-options/scaledownunneededtime": "20m0s"}},
			"lc": {"max": 2, "launchConfiguration": "lc-1", "zones": ["us-west-2b"]},
			"mixed": {"max": 2, "template": "lt-1", "mixed": true, "instanceTypes": ["m5.large", "m5a.large"], "zones": ["us-west-2a", "us-west-2b"]},
			"unlike": {"max": 2, "template": "lt-1", "mixed": true, "instanceTypes": ["m5.large", "m5.xlarge"], "zones": ["us-west-2a", "us-west-2b"]},
			"eks-managed": {"max": 2, "template": "lt-1", "zones": ["us-west-2b"], "tags": {"` + autoscaler + `autoscaling-options/scaledownunneededtime": "1h"}}},
		"nodeGroups": {"acme": {"managed": {"max": 2, "groups": ["eks-managed"], "template": "lt-1", "version": 1}}}},
		"kubernetes": {"karpenter": {"nodeClasses": {"k": {"amiFamily": "AL2023", "amiSelectorTerms": [{"id": "ami-11111111"}]}},
			"nodePools": {"k": {"class": "k", "consolidateAfter": "30m", "instanceTypes": ["m5.large"], "zones": ["us-west-2c"]}}}`
	for name, c := range map[string]struct {
		groups []schema.Group
		types  string
		want   string // findings
		delay  string
	}{
		"a launch template":      {asg("lt"), "m5.large", "DC801 lt is in us-west-2c, where m5.large is not offered", "20m"},
		"a launch configuration": {asg("lc"), "m5.large", "DC801 lc is in us-west-2b, where m5.large is not offered", ""},
		"mixed instances":        {asg("mixed"), "m5.large m5a.large", "", ""},
		"of unlike sizes":        {asg("unlike"), "m5.large m5.xlarge", `DC803 nodes of unlike sizes under the label "gpu": m5.large (1.5 cores, 7.5GiB), m5.xlarge (3.5 cores, 15.5GiB)`, ""},
		"a managed node group":   {[]schema.Group{{NodeGroup: "managed"}}, "m5.large", "DC801 /managed is in us-west-2b, where m5.large is not offered", "1h"},
		"Karpenter":              {nodePools("k"), "m5.large", "DC801 karpenter:k is in us-west-2c, where m5.large is not offered", "30m"},
		"static":                 {nil, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", aws)
			b.deployment.AWS.Cluster = "acme"
			desired := schema.Desired{Deployment: b.deployment, Objects: object("nodePools", "gpu", map[string]any{"groups": c.groups})}
			w := &world.World{Outside: b.world, Karpenter: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
			view, err := w.LookCapacity(t.Context(), desired, schema.Applied{}, time.Time{})
			if err != nil {
				t.Fatal(err)
			}
			got := view.Reckon()
			var types, found []string
			for _, n := range got.Pools[0].Nodes {
				types = append(types, n.Type)
			}
			for _, f := range got.Findings {
				found = append(found, strings.TrimSuffix(f.Code+" "+f.Message, ": no node starts there"))
			}
			if strings.Join(types, " ") != c.types || strings.Join(found, "\n") != c.want || !slices.Equal(got.Pools[0].ScaleDown, strings.Split(c.delay, "\n")) && c.groups != nil {
				t.Errorf("types %v, findings %q, delay %q", types, found, got.Pools[0].ScaleDown)
			}
		})
	}
}

// TestNearlyFullIsNineTenths of the nodes that a pool may have.
func TestNearlyFullIsNineTenths(t *testing.T) {
	for most, want := range map[int]bool{9: true, 10: true, 11: false} {
		var runs []string
		for i := range 9 { // each fills a node
			runs = append(runs, fmt.Sprintf(`{"_id": %d, "hw": "x", "started": {"$date": "2026-02-20T08:00:00Z"}}`, i))
		}
		b := newBench(t, `"hardware_tier": [{"_id": "x", "nodePool": "p"}], "runs": [`+strings.Join(runs, ",")+`]`, capacityTypes+poolAWS)
		b.deployment.Mongo.Mapping.HardwareTiers.Fields = map[string]string{"runs": "hw"}
		desired := schema.Desired{Deployment: b.deployment, Objects: all(object("hardwareTiers", "x", map[string]any{"nodePool": "@nodePools.p#label", "cores": 1, "memory": "3GiB"}), object("nodePools", "p", map[string]any{"groups": asg("lt"), "size.max": most}))}
		w := &world.World{Outside: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
		view, err := w.LookCapacity(t.Context(), desired, schema.Applied{}, time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC))
		if err != nil {
			t.Fatal(err)
		}
		if found := view.Reckon().Findings; len(found) != map[bool]int{true: 1}[want] || want && found[0].Code != "DC804" {
			t.Errorf("9 nodes of %d: %+v", most, found)
		}
	}
}
