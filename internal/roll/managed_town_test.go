package roll

import (
	"context"

	"domctl.dev/internal/port"
)

// nodegroup is what a managed node group of the town holds.
type nodegroup struct{}

func (w *town) updating() {}

func (w *town) DescribeNodegroup(context.Context, string, string) (port.NodeGroup, error) {
	return port.NodeGroup{}, port.ErrNotFound
}

func (w *town) UpdateNodegroupVersion(context.Context, string, string, string, int64, bool) (string, error) {
	return "", port.ErrNotFound
}

func (w *town) DescribeUpdate(context.Context, string, string, string) (port.NodegroupUpdate, error) {
	return port.NodegroupUpdate{}, port.ErrNotFound
}
