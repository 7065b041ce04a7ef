package worldtest

import (
	"context"
	"strings"
	"testing"

	"domctl.dev/internal/port"
)

func offeringCases() []Case {
	return []Case{{Name: "DescribeInstanceTypeOfferings/ByZone", Source: "EC2 API Reference, DescribeInstanceTypeOfferings, LocationType availability-zone", run: offerings}}
}

func offerings(t *testing.T, w World) {
	w.Put.InstanceType(t, port.InstanceType{Name: "g5.2xlarge", VCPUs: 8, GPUs: 1, MemoryMiB: 32768, StoreGB: 450, GPUName: "A10G", Architectures: []string{"x86_64"}})
	got := value(w.EC2.DescribeInstanceTypeOfferings(background(), []string{"g5.2xlarge", "z9.none"}))(t)
	zones := map[string]bool{}
	for _, o := range got {
		if o.Type != "g5.2xlarge" || !strings.HasPrefix(o.Zone, w.Want.Region) || o.Zone == w.Want.Region || zones[o.Zone] {
			t.Errorf("offerings are %+v, want one a zone of %s", got, w.Want.Region)
		}
		zones[o.Zone] = true
	}
	if len(got) == 0 {
		t.Error("no zone has a type that is there")
	}
	if got := value(w.EC2.DescribeInstanceTypeOfferings(background(), []string{}))(t); len(got) != 0 {
		t.Errorf("an empty list of names finds %d offerings", len(got))
	}
}

// DescribeInstanceTypeOfferings implements port.Offerings.
func (h Hooked) DescribeInstanceTypeOfferings(ctx context.Context, types []string) ([]port.Offering, error) {
	return ask(h, "DescribeInstanceTypeOfferings", func() ([]port.Offering, error) { return h.Outside.DescribeInstanceTypeOfferings(ctx, types) })
}
