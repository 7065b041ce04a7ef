package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// DescribeTemplatesNamed leaves unknown names out.
func (w *World) DescribeTemplatesNamed(ctx context.Context, names []string) ([]port.LaunchTemplate, error) {
	return read(ctx, w, "DescribeTemplatesNamed", func(s *state) (out []port.LaunchTemplate, n int, _ error) {
		for _, id := range schema.Sorted(s.aws.LaunchTemplates) {
			if t := s.aws.LaunchTemplates[id]; slices.Contains(names, t.Name) {
				out = append(out, port.LaunchTemplate{ID: id, Name: t.Name, Default: t.Default, Latest: t.latest(), Tags: copied(t.Tags)})
			}
		}
		return out, len(out), nil
	})
}

// CreateLaunchTemplate takes a launch configuration as it stands (EC2 API Reference,
// CreateLaunchTemplate).
func (w *World) CreateLaunchTemplate(ctx context.Context, n port.NewLaunchTemplate) (string, error) {
	return write(ctx, w, "CreateLaunchTemplate", func(s *state) (*state, string, error) {
		request := n
		request.Token = ""
		if id, used, err := s.used("CreateLaunchTemplate", n.Token, request); err != nil || used {
			return nil, id, err
		}
		c, ok := s.aws.LaunchConfigurations[n.Configuration]
		if !ok {
			return nil, "", fmt.Errorf("launch configuration %s: %w", n.Configuration, port.ErrNotFound)
		}
		for _, t := range s.aws.LaunchTemplates {
			if t.Name == n.Name {
				return nil, "", fmt.Errorf("launch template %s: %w", n.Name, port.ErrDuplicate)
			}
		}
		v, err := c.version(n)
		if err != nil {
			return nil, "", err
		}
		next, id := s.made("lt")
		if next.aws.LaunchTemplates == nil {
			next.aws.LaunchTemplates = map[string]launchTemplate{}
		}
		return next.withTemplate(id, launchTemplate{Name: n.Name, Default: 1, Versions: []templateVersion{v}}).using("CreateLaunchTemplate", n.Token, request, id), id, nil
	})
}

// version 1 of a template that is made of the configuration.
func (c launchConfiguration) version(n port.NewLaunchTemplate) (v templateVersion, err error) {
	v = templateVersion{Number: 1, Description: n.Description, Image: c.Image, InstanceType: c.InstanceType}
	if n.Image != "" {
		v.Image = n.Image
	}
	if len(n.Name) < 3 || len(n.Name) > 128 {
		return v, errors.New("the name of a launch template has 3 to 128 characters")
	}
	var data map[string]json.RawMessage
	if len(c.Data) > 0 && json.Unmarshal(c.Data, &data) != nil {
		return v, errors.New("the launch configuration's data is no object")
	}
	if data["ClassicLinkVPCId"] != nil {
		return v, fmt.Errorf("launch configuration %s links EC2-Classic: %w", n.Configuration, port.ErrState)
	}
	var blocks []map[string]json.RawMessage
	if json.Unmarshal(data["BlockDeviceMappings"], &blocks) == nil {
		for i, b := range blocks {
			if string(b["DeviceName"]) == quote(n.Root) {
				var alone []map[string]json.RawMessage
				_ = json.Unmarshal(withoutSnapshots(compact([]any{b})), &alone)
				blocks[i] = alone[0]
			}
		}
		v.Blocks = compact(blocks)
		data = maps.Clone(data)
		delete(data, "BlockDeviceMappings")
	}
	if len(data) > 0 {
		v.Data = compact(data)
	}
	return v, nil
}

// DeleteLaunchTemplate deletes one whoever names it (EC2 API Reference,
// DeleteLaunchTemplate).
func (w *World) DeleteLaunchTemplate(ctx context.Context, id string) error {
	return effect(ctx, w, "DeleteLaunchTemplate", func(s *state) (*state, error) {
		if _, err := s.template(id); err != nil {
			return nil, err
		}
		n := *s
		n.aws.LaunchTemplates = removed(s.aws.LaunchTemplates, id)
		return &n, nil
	})
}
