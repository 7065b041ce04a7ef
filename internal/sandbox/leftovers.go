package sandbox

import (
	"context"
	"fmt"

	"domctl.dev/internal/port"
)

// securityGroup and keyPair are what gc finds.
type securityGroup struct {
	Name string            `json:"name"`
	Tags map[string]string `json:"tags,omitempty"`
	VPC  string            `json:"vpc,omitempty"`
}

type keyPair struct {
	Created string            `json:"created,omitempty"`
	Name    string            `json:"name"`
	Tags    map[string]string `json:"tags,omitempty"`
}

// described reads the resources of one kind that a query selects.
func described[V, P any](ctx context.Context, w *World, call string, q port.Select, known []string, all func(*state) map[string]V,
	tags func(V) map[string]string, attribute func(id string, v V, name string) []string, answer func(id string, v V) P) ([]P, error) {
	if err := checkFilters(call, q.Filters, known...); err != nil {
		return nil, err
	}
	return read(ctx, w, call, func(s *state) (out []P, n int, _ error) {
		from := all(s)
		for _, id := range chosen(q.IDs, from) {
			v := from[id]
			if passes(q.Filters, tags(v), func(name string) []string { return attribute(id, v, name) }) {
				out = append(out, answer(id, v))
			}
		}
		return out, max(len(out), len(q.IDs)), nil
	})
}

// DescribeVolumes leaves unknown ids out.
func (w *World) DescribeVolumes(ctx context.Context, q port.Select) ([]port.Volume, error) {
	return described(ctx, w, "DescribeVolumes", q, []string{"attachment.instance-id", "snapshot-id", "status", "volume-id"},
		func(s *state) map[string]volume { return s.aws.Volumes },
		func(v volume) map[string]string { return v.Tags },
		func(id string, v volume, name string) []string {
			return []string{map[string]string{"attachment.instance-id": v.Instance, "snapshot-id": v.Snapshot, "status": v.state(), "volume-id": id}[name]}
		},
		func(id string, v volume) port.Volume {
			return port.Volume{ID: id, State: v.state(), Type: v.kind(), Instance: v.Instance, Snapshot: v.Snapshot, GiB: v.GiB, Created: v.Created, Tags: copied(v.Tags)}
		})
}

func (v volume) state() string {
	if v.Instance != "" {
		return "in-use"
	}
	return "available"
}

func (v volume) kind() string {
	if v.Type == "" {
		return "gp3"
	}
	return v.Type
}

// DeleteVolume refuses one that is attached (EC2 API Reference, DeleteVolume).
func (w *World) DeleteVolume(ctx context.Context, id string) error {
	return effect(ctx, w, "DeleteVolume", func(s *state) (*state, error) {
		v, ok := s.aws.Volumes[id]
		switch {
		case !ok:
			return nil, fmt.Errorf("volume %s: %w", id, port.ErrNotFound)
		case v.Instance != "":
			return nil, fmt.Errorf("volume %s is attached to %s: %w", id, v.Instance, port.ErrInUse)
		}
		n := *s
		n.aws.Volumes = removed(s.aws.Volumes, id)
		return &n, nil
	})
}

// DescribeSecurityGroups leaves unknown ids out.
func (w *World) DescribeSecurityGroups(ctx context.Context, q port.Select) ([]port.SecurityGroup, error) {
	return described(ctx, w, "DescribeSecurityGroups", q, []string{"group-id", "group-name", "vpc-id"},
		func(s *state) map[string]securityGroup { return s.aws.SecurityGroups },
		func(g securityGroup) map[string]string { return g.Tags },
		func(id string, g securityGroup, name string) []string {
			return []string{map[string]string{"group-id": id, "group-name": g.Name, "vpc-id": g.VPC}[name]}
		},
		func(id string, g securityGroup) port.SecurityGroup {
			return port.SecurityGroup{ID: id, Name: g.Name, VPC: g.VPC, Tags: copied(g.Tags)}
		})
}

// DescribeKeyPairs leaves unknown ids out.
func (w *World) DescribeKeyPairs(ctx context.Context, q port.Select) ([]port.KeyPair, error) {
	return described(ctx, w, "DescribeKeyPairs", q, []string{"key-name", "key-pair-id"},
		func(s *state) map[string]keyPair { return s.aws.KeyPairs },
		func(k keyPair) map[string]string { return k.Tags },
		func(id string, k keyPair, name string) []string {
			return []string{map[string]string{"key-name": k.Name, "key-pair-id": id}[name]}
		},
		func(id string, k keyPair) port.KeyPair {
			return port.KeyPair{ID: id, Name: k.Name, Created: k.Created, Tags: copied(k.Tags)}
		})
}
