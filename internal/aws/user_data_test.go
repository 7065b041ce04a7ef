package aws

import (
	"encoding/base64"
	"testing"
)

func TestNodeConfig(t *testing.T) {
	for _, c := range []struct {
		text         string
		lazy, copies bool
	}{
		{"", false, false},
		{"#!/bin/bash\nyum -y update\n", false, false},
		{"apiVersion: node.eks.aws/v1alpha1\nkind: NodeConfig\nspec:\n  featureGates:\n    FastImagePull: true\n", true, false},
		{"spec:\n  featureGates:\n    FastImagePull: false\n", false, false},
		{"spec:\n  featureGates:\n    # FastImagePull: true\n", false, false},
		{`{"spec":{"featureGates":{"FastImagePull":true},"instance":{"localStorage":{"strategy":"RAID0"}}}}`, true, true},
		{"spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n", false, true},
		{"spec:\n  instance:\n    localStorage:\n      strategy: Mount\n", false, false},
		{"spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n      disabledMounts: [PodLogs, Containerd]\n", false, false},
		{"spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n      disabledMounts:\n        - PodLogs\n        - Containerd\n", false, false},
		{"spec:\n  instance:\n    localStorage:\n      strategy: RAID0\n      disabledMounts:\n        - PodLogs\n", false, true},
	} {
		lazy, copies := nodeConfig(base64.StdEncoding.EncodeToString([]byte(c.text)))
		if lazy != c.lazy || copies != c.copies {
			t.Errorf("%q: lazy %v, copies %v", c.text, lazy, copies)
		}
	}
	if lazy, copies := nodeConfig("FastImagePull: true"); lazy || copies {
		t.Error("what is no base64 was read")
	}
}
