package world

import (
	"context"
	"errors"
	"slices"
	"strings"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (w *World) readGroups(ctx context.Context, names []string) (map[planner.Ref]planner.Raw, error) {
	out := map[planner.Ref]planner.Raw{}
	if len(names) == 0 {
		return out, nil
	}
	groups, err := w.Outside.DescribeAutoScalingGroups(ctx, names)
	for _, g := range groups {
		out[groupRef(g.Name)] = groupRaw(g)
	}
	return out, err
}

// rebalance is the process that ends nodes of a zone which has more than others. The path
// evens is false where it is suspended.
// https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-suspend-resume-processes.html
const rebalance = "AZRebalance"

// groupRaw is an Auto Scaling group by path.
func groupRaw(g port.AutoScalingGroup) planner.Raw {
	raw := planner.Raw{"launchConfiguration": schema.JSON(g.LaunchConfiguration), "template": schema.JSON(g.Template),
		"version": schema.JSON(g.Version), "mixed": schema.JSON(g.Mixed), "instanceTypes": schema.JSON(listOf(g.InstanceTypes)),
		"min": schema.JSON(g.Min), "max": schema.JSON(g.Max), "desired": schema.JSON(g.Desired), "instances": schema.JSON(g.Instances)}
	if len(g.Zones) > 0 {
		raw["zones"] = schema.JSON(g.Zones)
	}
	if slices.Contains(g.SuspendedProcesses, rebalance) {
		raw["evens"] = schema.JSON(false)
	}
	if g.Warm {
		raw["warm"] = schema.JSON(true)
	}
	for key, value := range g.Tags {
		if strings.HasPrefix(key, schema.AutoscalerTag) {
			raw[schema.JoinPath("tags", key)] = schema.JSON(value)
			if slices.Contains(g.Propagated, key) {
				raw[propagatedPath(key)] = schema.JSON(true)
			}
		}
	}
	if len(g.Overrides) > 0 {
		raw["overrides"] = schema.JSON(g.Overrides)
	}
	return raw
}

// readNodeGroups asks for each, since EKS has no call for several.
func (w *World) readNodeGroups(ctx context.Context, ids []string) (map[planner.Ref]planner.Raw, error) {
	found, err := each(ids, func(id string) (*port.NodeGroup, error) {
		cluster, name := cutID(id)
		g, err := w.Outside.DescribeNodegroup(ctx, cluster, name)
		if errors.Is(err, port.ErrNotFound) {
			return nil, nil
		}
		return &g, err
	})
	if err != nil {
		return nil, err
	}
	out := map[planner.Ref]planner.Raw{}
	for _, g := range found {
		if g != nil {
			out[nodeGroupRef(g.Cluster, g.Name)] = nodeGroupRaw(*g)
		}
	}
	return out, nil
}

// nodeGroups are all of the deployment's cluster.
func (w *World) nodeGroups(ctx context.Context) ([]port.NodeGroup, error) {
	cluster := w.Deployment.AWS.Cluster
	if cluster == "" {
		return nil, nil
	}
	names, err := w.Outside.ListNodegroups(ctx, cluster)
	if err != nil && !errors.Is(err, port.ErrNotFound) {
		return nil, err
	}
	return each(names, func(name string) (port.NodeGroup, error) { return w.Outside.DescribeNodegroup(ctx, cluster, name) })
}

func nodeGroupRaw(g port.NodeGroup) planner.Raw {
	raw := planner.Raw{"template": schema.JSON(g.Template), "version": versionText(g.Version), "status": schema.JSON(g.Status),
		"instanceTypes": schema.JSON(listOf(g.InstanceTypes)), "groups": schema.JSON(listOf(g.Groups)),
		"min": schema.JSON(g.Min), "max": schema.JSON(g.Max), "desired": schema.JSON(g.Desired)}
	for key, value := range g.Labels {
		raw[schema.JoinPath("labels", key)] = schema.JSON(value)
	}
	for _, t := range g.Taints {
		raw[taintPath(t.Key, t.Effect)] = schema.JSON(t.Value)
	}
	return raw
}

// listOf is a list that is never null.
func listOf(s []string) []string { return append([]string{}, s...) }

// idError says which of several objects could not be read.
type idError struct {
	id string
	error
}

func (e *idError) Error() string { return e.id + ": " + e.error.Error() }
func (e *idError) Unwrap() error { return e.error }
