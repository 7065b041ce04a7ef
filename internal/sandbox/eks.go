package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// DescribeCluster answers ErrNotFound for one that the file names nowhere.
func (w *World) DescribeCluster(ctx context.Context, name string) (port.Cluster, error) {
	return read(ctx, w, "DescribeCluster", func(s *state) (port.Cluster, int, error) {
		c, ok := s.aws.Clusters[name]
		if _, grouped := s.aws.NodeGroups[name]; !ok && !grouped {
			return port.Cluster{}, 0, fmt.Errorf("cluster %s: %w", name, port.ErrNotFound)
		}
		return port.Cluster{Name: name, Status: cmp.Or(c.Status, "ACTIVE"), Version: c.Version}, 0, nil
	})
}

// ListNodegroups of a cluster; one without node groups in the file does not
// exist.
func (w *World) ListNodegroups(ctx context.Context, cluster string) ([]string, error) {
	return read(ctx, w, "ListNodegroups", func(s *state) ([]string, int, error) {
		groups, ok := s.aws.NodeGroups[cluster]
		if !ok {
			return nil, 0, fmt.Errorf("cluster %s: %w", cluster, port.ErrNotFound)
		}
		return schema.Sorted(groups), len(groups), nil
	})
}

// DescribeNodegroup answers ErrNotFound for an unknown cluster or name.
func (w *World) DescribeNodegroup(ctx context.Context, cluster, name string) (port.NodeGroup, error) {
	return read(ctx, w, "DescribeNodegroup", func(s *state) (port.NodeGroup, int, error) {
		g, err := w.nodeGroup(s, cluster, name)
		return port.NodeGroup{
			Cluster: cluster, Name: name, Status: g.Status, Template: g.Template, Version: g.Version, AMIType: g.AMIType, Release: g.Release,
			Min: g.Min, Max: g.Max, Desired: g.Desired, InstanceTypes: slices.Clone(g.InstanceTypes), Labels: copied(g.Labels), Taints: tainted(g.Taints), Groups: slices.Clone(g.Groups),
		}, 0, err
	})
}

func (w *World) nodeGroup(s *state, cluster, name string) (g nodeGroup, err error) {
	g, ok := s.aws.NodeGroups[cluster][name]
	if !ok {
		return g, fmt.Errorf("node group %s/%s: %w", cluster, name, port.ErrNotFound)
	}
	g.Status, err = w.settled(cmp.Or(g.Status, "ACTIVE"), g.Active, "UPDATING", "ACTIVE")
	return g, err
}

// UpdateNodegroupConfig changes the node group, and the sizes of its Auto Scaling groups.
// One that is not ACTIVE is ErrInUse (EKS API Reference, UpdateNodegroupConfig,
// ResourceInUseException).
func (w *World) UpdateNodegroupConfig(ctx context.Context, cluster, name, tok string, c port.NodegroupConfig) error {
	request := []any{cluster, name, c}
	return effect(ctx, w, "UpdateNodegroupConfig", func(s *state) (*state, error) {
		if _, used, err := s.used("UpdateNodegroupConfig", tok, request); err != nil || used {
			return nil, err
		}
		g, err := w.nodeGroup(s, cluster, name)
		if err != nil {
			return nil, err
		}
		if g.Status != "ACTIVE" {
			return nil, fmt.Errorf("node group %s/%s is %s: %w", cluster, name, g.Status, port.ErrInUse)
		}
		g.Min, g.Max, g.Desired = or(c.Min, g.Min), or(c.Max, g.Max), or(c.Desired, g.Desired)
		if g.Min < 0 || g.Max < 1 || g.Min > g.Desired || g.Desired > g.Max {
			return nil, fmt.Errorf("node group %s/%s: min size %d, desired size %d and max size %d do not fit each other", cluster, name, g.Min, g.Desired, g.Max)
		}
		g = g.labelled(c)
		g.Status, g.Active = "", ""
		if w.opts.Settle > 0 {
			g.Status, g.Active = "UPDATING", w.opts.Clock().Add(w.opts.Settle).UTC().Format(time.RFC3339)
		}
		return s.withNodeGroup(cluster, name, g).using("UpdateNodegroupConfig", tok, request, ""), nil
	})
}

// labelled has other labels and taints: a taint is that of its key and effect.
func (g nodeGroup) labelled(c port.NodegroupConfig) nodeGroup {
	for _, k := range c.NoLabels {
		g.Labels = removed(g.Labels, k)
	}
	for _, k := range schema.Sorted(c.Labels) {
		g.Labels = added(g.Labels, k, c.Labels[k])
	}
	for _, gone := range slices.Concat(c.NoTaints, c.Taints) {
		g.Taints = slices.DeleteFunc(slices.Clone(g.Taints), func(t taint) bool { return t.Key == gone.Key && t.Effect == gone.Effect })
	}
	for _, t := range c.Taints {
		g.Taints = append(g.Taints, taint{Key: t.Key, Value: t.Value, Effect: t.Effect})
	}
	slices.SortFunc(g.Taints, func(a, b taint) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.Effect, b.Effect)) })
	return g
}

// withNodeGroup is the state with another node group; a single Auto Scaling
// group below it has its sizes.
func (s *state) withNodeGroup(cluster, name string, g nodeGroup) *state {
	n := *s
	n.aws.NodeGroups = maps.Clone(s.aws.NodeGroups)
	n.aws.NodeGroups[cluster] = maps.Clone(s.aws.NodeGroups[cluster])
	n.aws.NodeGroups[cluster][name] = g
	if len(g.Groups) != 1 {
		return &n
	}
	if below, ok := s.aws.AutoScalingGroups[g.Groups[0]]; ok {
		below.Min, below.Max, below.Desired, below.Instances = g.Min, g.Max, g.Desired, nil
		n.aws.AutoScalingGroups = maps.Clone(s.aws.AutoScalingGroups)
		n.aws.AutoScalingGroups[g.Groups[0]] = below
	}
	return &n
}
