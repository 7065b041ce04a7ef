package port

import "context"

// Volume is an EBS volume. Instance is the one it is attached to, "" for none.
type Volume struct {
	ID, State, Type, Instance, Snapshot string
	GiB                                 int64
	Created                             string // RFC 3339
	Tags                                map[string]string
}

// SecurityGroup and KeyPair are what gc needs of them.
type SecurityGroup struct {
	ID, Name, VPC string
	Tags          map[string]string
}

// KeyPair is the public half of a key, by its id and name.
type KeyPair struct {
	ID, Name string
	Created  string // RFC 3339
	Tags     map[string]string
}

// Leftovers is the part of Amazon EC2 that finds and deletes what an
// interrupted bake may leave. A delete answers ErrNotFound for what is missing
// and ErrInUse for what something still needs.
type Leftovers interface {
	DescribeVolumes(ctx context.Context, q Select) ([]Volume, error)
	DeleteVolume(ctx context.Context, id string) error
	DescribeSecurityGroups(ctx context.Context, q Select) ([]SecurityGroup, error)
	DescribeKeyPairs(ctx context.Context, q Select) ([]KeyPair, error)
}
