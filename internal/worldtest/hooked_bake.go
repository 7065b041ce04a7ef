package worldtest

import (
	"context"

	"domctl.dev/internal/port"
)

// RunInstance implements port.Instances.
func (h Hooked) RunInstance(ctx context.Context, n port.NewInstance) (string, error) {
	return ask(h, "RunInstance", func() (string, error) { return h.Outside.RunInstance(ctx, n) })
}

// DescribeInstances implements port.Instances.
func (h Hooked) DescribeInstances(ctx context.Context, q port.Select) ([]port.Instance, error) {
	return ask(h, "DescribeInstances", func() ([]port.Instance, error) { return h.Outside.DescribeInstances(ctx, q) })
}

// StartInstance implements port.Instances.
func (h Hooked) StartInstance(ctx context.Context, id string) error {
	return tell(h, "StartInstance", func() error { return h.Outside.StartInstance(ctx, id) })
}

// StopInstance implements port.Instances.
func (h Hooked) StopInstance(ctx context.Context, id string) error {
	return tell(h, "StopInstance", func() error { return h.Outside.StopInstance(ctx, id) })
}

// TerminateInstance implements port.Instances.
func (h Hooked) TerminateInstance(ctx context.Context, id string) error {
	return tell(h, "TerminateInstance", func() error { return h.Outside.TerminateInstance(ctx, id) })
}

// GetConsoleOutput implements port.Instances.
func (h Hooked) GetConsoleOutput(ctx context.Context, id string) (string, error) {
	return ask(h, "GetConsoleOutput", func() (string, error) { return h.Outside.GetConsoleOutput(ctx, id) })
}

// DescribeVolumes implements port.Leftovers.
func (h Hooked) DescribeVolumes(ctx context.Context, q port.Select) ([]port.Volume, error) {
	return ask(h, "DescribeVolumes", func() ([]port.Volume, error) { return h.Outside.DescribeVolumes(ctx, q) })
}

// DeleteVolume implements port.Leftovers.
func (h Hooked) DeleteVolume(ctx context.Context, id string) error {
	return tell(h, "DeleteVolume", func() error { return h.Outside.DeleteVolume(ctx, id) })
}

// DescribeSecurityGroups implements port.Leftovers.
func (h Hooked) DescribeSecurityGroups(ctx context.Context, q port.Select) ([]port.SecurityGroup, error) {
	return ask(h, "DescribeSecurityGroups", func() ([]port.SecurityGroup, error) { return h.Outside.DescribeSecurityGroups(ctx, q) })
}

// DeleteSecurityGroup implements port.Leftovers.
func (h Hooked) DeleteSecurityGroup(ctx context.Context, id string) error {
	return tell(h, "DeleteSecurityGroup", func() error { return h.Outside.DeleteSecurityGroup(ctx, id) })
}

// DescribeKeyPairs implements port.Leftovers.
func (h Hooked) DescribeKeyPairs(ctx context.Context, q port.Select) ([]port.KeyPair, error) {
	return ask(h, "DescribeKeyPairs", func() ([]port.KeyPair, error) { return h.Outside.DescribeKeyPairs(ctx, q) })
}

// DeleteKeyPair implements port.Leftovers.
func (h Hooked) DeleteKeyPair(ctx context.Context, id string) error {
	return tell(h, "DeleteKeyPair", func() error { return h.Outside.DeleteKeyPair(ctx, id) })
}
