package sandbox

import (
	"context"
	"slices"

	"domctl.dev/internal/port"
)

// DescribeInstanceTypeOfferings answers the zones that a type states, else zones a, b and c
// of the region.
func (w *World) DescribeInstanceTypeOfferings(ctx context.Context, types []string) ([]port.Offering, error) {
	return read(ctx, w, "DescribeInstanceTypeOfferings", func(s *state) (out []port.Offering, n int, _ error) {
		for _, name := range chosen(types, s.aws.InstanceTypes) {
			zones := slices.Sorted(slices.Values(s.aws.InstanceTypes[name].Zones))
			if len(zones) == 0 {
				zones = []string{s.aws.Region + "a", s.aws.Region + "b", s.aws.Region + "c"}
			}
			for _, zone := range zones {
				out = append(out, port.Offering{Type: name, Zone: zone})
			}
		}
		return out, len(out), nil
	})
}
