package worldtest

import (
	"context"
	"time"

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

// DescribeKeyPairs implements port.Leftovers.
func (h Hooked) DescribeKeyPairs(ctx context.Context, q port.Select) ([]port.KeyPair, error) {
	return ask(h, "DescribeKeyPairs", func() ([]port.KeyPair, error) { return h.Outside.DescribeKeyPairs(ctx, q) })
}

// placed is an outside in another region.
type placed struct {
	port.Region
	elsewhere
}

type elsewhere struct{ port.Outside }

// In implements port.EC2.
func (h Hooked) In(region string) port.Region {
	return Hooked{Outside: placed{h.Outside.In(region), elsewhere{h.Outside}}, Hook: h.Hook}
}

// CreateImage implements port.Images.
func (h Hooked) CreateImage(ctx context.Context, n port.NewImage) (string, error) {
	return ask(h, "CreateImage", func() (string, error) { return h.Outside.CreateImage(ctx, n) })
}

// CopyImage implements port.Images.
func (h Hooked) CopyImage(ctx context.Context, c port.ImageCopy) (string, error) {
	return ask(h, "CopyImage", func() (string, error) { return h.Outside.CopyImage(ctx, c) })
}

// DescribeLaunchPermission implements port.Images.
func (h Hooked) DescribeLaunchPermission(ctx context.Context, image string) (port.LaunchPermission, error) {
	return ask(h, "DescribeLaunchPermission", func() (port.LaunchPermission, error) { return h.Outside.DescribeLaunchPermission(ctx, image) })
}

// ModifyLaunchPermission implements port.Images.
func (h Hooked) ModifyLaunchPermission(ctx context.Context, image string, add, remove []string) error {
	return tell(h, "ModifyLaunchPermission", func() error { return h.Outside.ModifyLaunchPermission(ctx, image, add, remove) })
}

// CreateTags implements port.Images.
func (h Hooked) CreateTags(ctx context.Context, ids []string, tags map[string]string) error {
	return tell(h, "CreateTags", func() error { return h.Outside.CreateTags(ctx, ids, tags) })
}

// DeleteTags implements port.Images.
func (h Hooked) DeleteTags(ctx context.Context, ids []string, keys []string) error {
	return tell(h, "DeleteTags", func() error { return h.Outside.DeleteTags(ctx, ids, keys) })
}

// EnableImageDeprecation implements port.Images.
func (h Hooked) EnableImageDeprecation(ctx context.Context, image string, at time.Time) error {
	return tell(h, "EnableImageDeprecation", func() error { return h.Outside.EnableImageDeprecation(ctx, image, at) })
}

// DisableImageDeprecation implements port.Images.
func (h Hooked) DisableImageDeprecation(ctx context.Context, image string) error {
	return tell(h, "DisableImageDeprecation", func() error { return h.Outside.DisableImageDeprecation(ctx, image) })
}

// DeregisterImage implements port.Images.
func (h Hooked) DeregisterImage(ctx context.Context, image string) ([]string, error) {
	return ask(h, "DeregisterImage", func() ([]string, error) { return h.Outside.DeregisterImage(ctx, image) })
}

// DescribeSnapshots implements port.Images.
func (h Hooked) DescribeSnapshots(ctx context.Context, q port.Select) ([]port.Snapshot, error) {
	return ask(h, "DescribeSnapshots", func() ([]port.Snapshot, error) { return h.Outside.DescribeSnapshots(ctx, q) })
}

// DeleteSnapshot implements port.Images.
func (h Hooked) DeleteSnapshot(ctx context.Context, id string) error {
	return tell(h, "DeleteSnapshot", func() error { return h.Outside.DeleteSnapshot(ctx, id) })
}

// Reachable implements port.Shell.
func (h Hooked) Reachable(ctx context.Context, m port.Machine) (bool, error) {
	return ask(h, "Reachable", func() (bool, error) { return h.Outside.Reachable(ctx, m) })
}

// RunScript implements port.Shell.
func (h Hooked) RunScript(ctx context.Context, m port.Machine, s port.Script) (port.Output, error) {
	return ask(h, "RunScript", func() (port.Output, error) { return h.Outside.RunScript(ctx, m, s) })
}
