package sandbox

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// DescribeAutoScalingGroups leaves unknown names out.
func (w *World) DescribeAutoScalingGroups(ctx context.Context, names []string) ([]port.AutoScalingGroup, error) {
	return read(ctx, w, "DescribeAutoScalingGroups", func(s *state) (out []port.AutoScalingGroup, n int, _ error) {
		for _, name := range chosen(names, s.aws.AutoScalingGroups) {
			out = append(out, s.aws.AutoScalingGroups[name].port(name))
		}
		return out, max(len(out), len(names)), nil
	})
}

func (g group) port(name string) port.AutoScalingGroup {
	instances := g.Desired
	if g.Instances != nil {
		instances = *g.Instances
	}
	if g.Launches {
		instances = int64(len(g.Members))
	}
	return port.AutoScalingGroup{
		Name: name, LaunchConfiguration: g.LaunchConfiguration, Template: g.Template, Version: g.Version, Mixed: g.Mixed,
		Min: g.Min, Max: g.Max, Desired: g.Desired, Instances: instances, InstanceTypes: slices.Clone(g.InstanceTypes),
		Tags: copied(g.Tags), Propagated: g.propagated(), SuspendedProcesses: slices.Clone(g.SuspendedProcesses), Zones: slices.Clone(g.Zones),
		Overrides: slices.Clone(g.Overrides), Warm: g.Warm,
	}
}

// DescribeLaunchConfigurations leaves unknown names out.
func (w *World) DescribeLaunchConfigurations(ctx context.Context, names []string) ([]port.LaunchConfiguration, error) {
	return read(ctx, w, "DescribeLaunchConfigurations", func(s *state) (out []port.LaunchConfiguration, n int, _ error) {
		for _, name := range chosen(names, s.aws.LaunchConfigurations) {
			c := s.aws.LaunchConfigurations[name]
			out = append(out, port.LaunchConfiguration{Name: name, Image: c.Image, InstanceType: c.InstanceType, Blocks: c.blocks()})
		}
		return out, max(len(out), len(names)), nil
	})
}

func (c launchConfiguration) blocks() string {
	var data struct {
		BlockDeviceMappings []struct {
			DeviceName string
			Ebs        struct{ VolumeSize int64 }
		}
	}
	_ = json.Unmarshal(c.Data, &data)
	sizes := map[string]int64{}
	for _, m := range data.BlockDeviceMappings {
		if m.Ebs.VolumeSize > 0 {
			sizes[m.DeviceName] = m.Ebs.VolumeSize
		}
	}
	return port.BlockSizes(sizes)
}

// CopyLaunchConfiguration makes a configuration; one that exists never changes
// (Auto Scaling API Reference, CreateLaunchConfiguration, AlreadyExists).
func (w *World) CopyLaunchConfiguration(ctx context.Context, from, name, image string) error {
	return effect(ctx, w, "CopyLaunchConfiguration", func(s *state) (*state, error) {
		c, ok := s.aws.LaunchConfigurations[from]
		if !ok {
			return nil, fmt.Errorf("launch configuration %s: %w", from, port.ErrNotFound)
		}
		if _, taken := s.aws.LaunchConfigurations[name]; taken {
			return nil, fmt.Errorf("launch configuration %s: %w", name, port.ErrDuplicate)
		}
		if name == "" || image == "" {
			return nil, errors.New("a launch configuration needs a name and an image")
		}
		c.Image = image
		n := *s
		n.aws.LaunchConfigurations = maps.Clone(s.aws.LaunchConfigurations)
		n.aws.LaunchConfigurations[name] = c
		return &n, nil
	})
}

// DeleteLaunchConfiguration refuses one that a group names (Auto Scaling API
// Reference, DeleteLaunchConfiguration, ResourceInUse).
func (w *World) DeleteLaunchConfiguration(ctx context.Context, name string) error {
	return effect(ctx, w, "DeleteLaunchConfiguration", func(s *state) (*state, error) {
		if _, ok := s.aws.LaunchConfigurations[name]; !ok {
			return nil, fmt.Errorf("launch configuration %s: %w", name, port.ErrNotFound)
		}
		for _, g := range schema.Sorted(s.aws.AutoScalingGroups) {
			if s.aws.AutoScalingGroups[g].LaunchConfiguration == name {
				return nil, fmt.Errorf("launch configuration %s is named by group %s: %w", name, g, port.ErrInUse)
			}
		}
		n := *s
		n.aws.LaunchConfigurations = maps.Clone(s.aws.LaunchConfigurations)
		delete(n.aws.LaunchConfigurations, name)
		return &n, nil
	})
}

// UpdateAutoScalingGroup follows the Auto Scaling API Reference: what is named
// must exist, sizes must fit each other.
func (w *World) UpdateAutoScalingGroup(ctx context.Context, u port.GroupUpdate) error {
	return effect(ctx, w, "UpdateAutoScalingGroup", func(s *state) (*state, error) {
		g, ok := s.aws.AutoScalingGroups[u.Name]
		if !ok {
			return nil, fmt.Errorf("group %s: %w", u.Name, port.ErrNotFound)
		}
		g, err := g.launching(s, u)
		if err == nil {
			g, err = g.sized(u)
		}
		if err != nil {
			return nil, fmt.Errorf("group %s: %w", u.Name, err)
		}
		n := *s
		n.aws.AutoScalingGroups = maps.Clone(s.aws.AutoScalingGroups)
		n.aws.AutoScalingGroups[u.Name] = g
		return &n, nil
	})
}

// launching changes what the group launches from: a configuration or a
// template, never both.
func (g group) launching(s *state, u port.GroupUpdate) (group, error) {
	switch {
	case u.LaunchConfiguration != "" && u.Template != "":
		return g, errors.New("a group takes a launch configuration or a launch template, not both")
	case u.LaunchConfiguration != "":
		if _, ok := s.aws.LaunchConfigurations[u.LaunchConfiguration]; !ok {
			return g, fmt.Errorf("launch configuration %s: %w", u.LaunchConfiguration, port.ErrNotFound)
		}
		g.LaunchConfiguration, g.Template, g.Version, g.Mixed, g.InstanceTypes, g.Overrides = u.LaunchConfiguration, "", "", false, nil, nil
	case u.Template != "":
		if err := s.launchable(u.Template, u.Version); err != nil {
			return g, err
		}
		if g.Mixed && !u.Mixed {
			g.InstanceTypes, g.Overrides = nil, nil
		}
		g.LaunchConfiguration, g.Template, g.Version, g.Mixed = "", u.Template, u.Version, u.Mixed
	case u.Version != "":
		return g, errors.New("a version needs the launch template it belongs to")
	}
	return g, nil
}

func (s *state) launchable(template, version string) error {
	t, err := s.template(template)
	if err != nil || version == "" || version == "$Default" || version == "$Latest" {
		return err
	}
	number, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return fmt.Errorf("version %q is neither a number nor $Default nor $Latest", version)
	}
	if _, ok := t.version(number); !ok {
		return fmt.Errorf("version %d of %s: %w", number, template, port.ErrNotFound)
	}
	return nil
}

// sized changes sizes. A minimum or maximum that passes the desired capacity
// takes it along unless it is stated too (Auto Scaling API Reference,
// UpdateAutoScalingGroup).
func (g group) sized(u port.GroupUpdate) (group, error) {
	if u.Min == nil && u.Max == nil && u.Desired == nil {
		return g, nil
	}
	g.Min, g.Max = or(u.Min, g.Min), or(u.Max, g.Max)
	if g.Min > g.Max {
		return g, fmt.Errorf("min size %d is larger than max size %d", g.Min, g.Max)
	}
	was := g.Desired
	g.Desired = or(u.Desired, min(max(g.Desired, g.Min), g.Max))
	if g.Desired < g.Min || g.Desired > g.Max {
		return g, fmt.Errorf("desired capacity %d is not between min size %d and max size %d", g.Desired, g.Min, g.Max)
	}
	if g.Min < 0 {
		return g, fmt.Errorf("min size %d is negative", g.Min)
	}
	if g.Desired != was {
		g.Instances = nil
	}
	return g, nil
}

func or(p *int64, otherwise int64) int64 {
	if p != nil {
		return *p
	}
	return otherwise
}
