package world_test

import (
	"fmt"
	"testing"

	"domctl.dev/internal/world"
	"domctl.dev/schema"
)

// TestNodeVolumes in each way in which nodes are started: what states how large the volume
// is on which images are kept, and how large.
func TestNodeVolumes(t *testing.T) {
	const grid = `"images": {"ami-11111111": {"name": "a", "architecture": "x86_64", "rootDevice": "/dev/xvda"}},
		"launchTemplates": {"lt-1": {"name": "one", "default": 1, "versions": [{"number": 1, "image": "ami-11111111", "blocks": [{"DeviceName": "/dev/xvdb", "Ebs": {"VolumeSize": 500}}, {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 100}}]},
			{"number": 2, "image": "ami-11111111"}]}},
		"launchConfigurations": {"lc-1": {"image": "ami-11111111", "data": {"BlockDeviceMappings": [{"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 50}}, {"DeviceName": "/dev/xvdb", "Ebs": {"SnapshotId": "snap-1"}}]}}, "lc-2": {"image": "ami-11111111"}},
		"autoScalingGroups": {"lc2": {"launchConfiguration": "lc-2"}, "lt": {"template": "lt-1", "version": "1"}, "none": {"template": "lt-1", "version": "2"}, "lc": {"launchConfiguration": "lc-1"},
			"mixed": {"template": "lt-1", "version": "$Default", "mixed": true, "instanceTypes": ["m5.large", "m5a.large"]}},
		"nodeGroups": {"acme": {"managed": {"template": "lt-1", "version": 1}, "bare": {"template": "lt-1", "version": 2}}}},
		"kubernetes": {"karpenter": {"nodePools": {"k": {"class": "k"}}, "nodeClasses": {"k": {%s}}}`
	const byID = `"amiSelectorTerms": [{"id": "ami-11111111"}]`
	karpenter, managed := []schema.Group{{Karpenter: "k"}}, []schema.Group{{Cluster: "acme", NodeGroup: "managed"}}
	for name, c := range map[string]struct {
		groups []schema.Group
		class  string
		want   string
	}{
		"a launch template":               {asg("lt"), byID, "lt 100 the launch template"},
		"one that states none":            {asg("none"), byID, ""},
		"mixed instances":                 {asg("mixed"), byID, "mixed 100 the launch template"},
		"a launch configuration":          {asg("lc"), byID, "lc 50 the launch configuration"},
		"of the image's size":             {asg("lc2"), byID, ""},
		"a managed node group":            {managed, byID, "acme/managed 100 the launch template"},
		"one of the image's size":         {[]schema.Group{{Cluster: "acme", NodeGroup: "bare"}}, byID, ""},
		"Karpenter":                       {karpenter, byID + `, "amiFamily": "AL2023", "blockDeviceMappings": [{"deviceName": "/dev/xvdb", "ebs": {"volumeSize": "500Gi"}}, {"deviceName": "/dev/xvda", "ebs": {"volumeSize": "200Gi"}}]`, "karpenter:k 200 EC2NodeClass k"},
		"in terabytes":                    {karpenter, byID + `, "amiFamily": "AL2023", "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "1Ti"}}]`, "karpenter:k 1024 EC2NodeClass k"},
		"Karpenter's own":                 {karpenter, byID + `, "amiFamily": "AL2023"`, "karpenter:k 20 EC2NodeClass k"},
		"its own of an alias":             {karpenter, `"amiSelectorTerms": [{"alias": "al2023@latest"}], "images": ["ami-11111111"]`, "karpenter:k 20 EC2NodeClass k"},
		"of another device":               {karpenter, byID + `, "amiFamily": "AL2023", "blockDeviceMappings": [{"deviceName": "/dev/xvdb", "ebs": {"volumeSize": "500Gi"}}]`, ""},
		"Bottlerocket keeps images apart": {karpenter, byID + `, "amiFamily": "Bottlerocket", "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "4Gi"}}, {"deviceName": "/dev/xvdb", "ebs": {"volumeSize": "80Gi"}}]`, "karpenter:k 80 EC2NodeClass k"},
		"the one that is marked":          {karpenter, byID + `, "amiFamily": "AL2023", "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "4Gi"}}, {"deviceName": "/dev/xvdc", "rootVolume": true, "ebs": {"volumeSize": "90Gi"}}]`, "karpenter:k 90 EC2NodeClass k"},
		"custom":                          {karpenter, byID + `, "amiFamily": "Custom", "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"volumeSize": "70Gi"}}]`, "karpenter:k 70 EC2NodeClass k"},
		"custom, of the image's size":     {karpenter, byID + `, "amiFamily": "Custom"`, ""},
		"of a snapshot's size":            {karpenter, byID + `, "amiFamily": "AL2023", "blockDeviceMappings": [{"deviceName": "/dev/xvda", "ebs": {"snapshotID": "snap-1"}}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "", fmt.Sprintf(grid, c.class))
			objects := pool(c.groups, map[string]any{"ami": "@amis.gpu#image"})
			w := &world.World{Outside: b.world, Karpenter: b.world, Deployment: b.deployment, Secret: b.secret, Key: make([]byte, 32), Now: b.clock.Now}
			v, err := w.LookStarts(t.Context(), schema.Desired{Deployment: b.deployment, Objects: objects}, schema.Applied{})
			if err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, n := range v.NodeVolumes(schema.Address{Kind: "amis", Name: "gpu"}) {
				got += fmt.Sprint(n.Group, " ", n.Bytes>>30, " ", n.In)
			}
			if got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}
