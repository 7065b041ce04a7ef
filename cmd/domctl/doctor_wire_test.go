//go:build wire

package main

import (
	"strings"
	"testing"
)

// TestLiveDoctor probes the wire servers. moto allows everything.
func TestLiveDoctor(t *testing.T) {
	a, dir := onWire(t)
	before := database(t, a)
	out := domctl(t, 0, "doctor", dir)
	for _, line := range []string{"✓ MongoDB: ", "✓ collection hardware_tier: ", "✓ ec2:DescribeLaunchTemplates: allowed", "✓ ec2:ModifyLaunchTemplate (apply): allowed", "✓ state store: "} {
		if !strings.Contains(out, line) {
			t.Errorf("%q is missing in\n%s", line, out)
		}
	}
	if after := database(t, a); after != before {
		t.Errorf("a doctor wrote: %s", after)
	}
}
