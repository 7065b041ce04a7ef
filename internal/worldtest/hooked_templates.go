package worldtest

import (
	"context"

	"domctl.dev/internal/port"
)

// DescribeTemplatesNamed implements port.TemplatesMade.
func (h Hooked) DescribeTemplatesNamed(ctx context.Context, names []string) ([]port.LaunchTemplate, error) {
	return ask(h, "DescribeTemplatesNamed", func() ([]port.LaunchTemplate, error) { return h.Outside.DescribeTemplatesNamed(ctx, names) })
}

// CreateLaunchTemplate implements port.TemplatesMade.
func (h Hooked) CreateLaunchTemplate(ctx context.Context, n port.NewLaunchTemplate) (string, error) {
	return ask(h, "CreateLaunchTemplate", func() (string, error) { return h.Outside.CreateLaunchTemplate(ctx, n) })
}

// DeleteLaunchTemplate implements port.TemplatesMade.
func (h Hooked) DeleteLaunchTemplate(ctx context.Context, id string) error {
	return tell(h, "DeleteLaunchTemplate", func() error { return h.Outside.DeleteLaunchTemplate(ctx, id) })
}
