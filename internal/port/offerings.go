package port

import "context"

// Offering says that a zone of the region has an instance type.
type Offering struct{ Type, Zone string }

// Offerings is the part of Amazon EC2 that tells where instance types are to be had.
type Offerings interface {
	// DescribeInstanceTypeOfferings by zone, of types by name; a type that is not known, or
	// that no zone of the region has, is left out. In order of types, then zones.
	DescribeInstanceTypeOfferings(ctx context.Context, types []string) ([]Offering, error)
}
