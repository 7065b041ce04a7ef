package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// DescribeImages answers by id; unknown ids are left out.
func (w *World) DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error) {
	if err := checkFilters(q.Filters); err != nil {
		return nil, fmt.Errorf("sandbox DescribeImages: %w", err)
	}
	return read(ctx, w, "DescribeImages", func(s *state) (out []port.Image, n int, err error) {
		for _, id := range chosen(q.IDs, s.aws.Images) {
			i := s.aws.Images[id]
			i.Owner = cmp.Or(i.Owner, s.aws.Account)
			if i.State, err = w.settled(cmp.Or(i.State, "available"), i.Available, "pending", "available"); err != nil {
				return nil, 0, fmt.Errorf("aws.images.%s: %w", id, err)
			}
			if i.owned(q.Owners, s.aws.Account) && i.passes(id, q.Filters) {
				out = append(out, port.Image{ID: id, Name: i.Name, Owner: i.Owner, OwnerAlias: i.OwnerAlias, State: i.State, Architecture: i.Architecture, Created: i.Created, Tags: copied(i.Tags),
					RootDevice: cmp.Or(i.RootDevice, "/dev/xvda"), RootGiB: i.RootGiB})
			}
		}
		return out, max(len(out), len(q.IDs)), nil
	})
}

// chosen are the keys asked for that exist, or all when asked is nil; sorted,
// each once.
func chosen[V any](asked []string, from map[string]V) (keys []string) {
	if asked == nil {
		return schema.Sorted(from)
	}
	for _, k := range asked {
		if _, ok := from[k]; ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return slices.Compact(keys)
}

// settled moves a state on once its time has come by the sandbox's clock.
func (w *World) settled(state, at, from, to string) (string, error) {
	if state != from || at == "" {
		return state, nil
	}
	t, err := time.Parse(time.RFC3339, at)
	if err != nil {
		return "", fmt.Errorf("%q is not a time like 2026-03-31T12:00:00Z", at)
	}
	if w.opts.Clock().Before(t) {
		return state, nil
	}
	return to, nil
}

func (i image) owned(owners []string, self string) bool {
	return len(owners) == 0 || slices.ContainsFunc(owners, func(o string) bool {
		return o == i.Owner || o == i.OwnerAlias || o == "self" && i.Owner == self
	})
}

// passes applies EC2 filters: values of one filter are alternatives, filters
// narrow together, "*" and "?" are wildcards (EC2 API Reference, Filter).
func (i image) passes(id string, filters map[string][]string) bool {
	for name, values := range filters {
		has := i.attribute(id, name)
		if !slices.ContainsFunc(values, func(v string) bool {
			return slices.ContainsFunc(has, func(h string) bool { return port.Wildcard(v, h) })
		}) {
			return false
		}
	}
	return true
}

// attribute is what a filter compares; each AMI here is EBS-backed and HVM.
func (i image) attribute(id, name string) []string {
	if key, ok := strings.CutPrefix(name, "tag:"); ok {
		if v, has := i.Tags[key]; has {
			return []string{v}
		}
		return nil
	}
	switch name {
	case "image-id":
		return []string{id}
	case "name":
		return []string{i.Name}
	case "architecture":
		return []string{i.Architecture}
	case "state":
		return []string{i.State}
	case "owner-id":
		return []string{i.Owner}
	case "owner-alias":
		return []string{i.OwnerAlias}
	case "creation-date":
		return []string{i.Created}
	case "tag-key":
		return schema.Sorted(i.Tags)
	case "root-device-type":
		return []string{"ebs"}
	case "virtualization-type":
		return []string{"hvm"}
	case "image-type":
		return []string{"machine"}
	}
	return nil
}

func checkFilters(filters map[string][]string) error {
	known := []string{"architecture", "creation-date", "image-id", "image-type", "name", "owner-alias", "owner-id",
		"root-device-type", "state", "tag-key", "virtualization-type"}
	for _, name := range schema.Sorted(filters) {
		if !slices.Contains(known, name) && !strings.HasPrefix(name, "tag:") {
			return fmt.Errorf("the sandbox knows no filter %q; it knows tag:<key>, %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// DescribeInstanceTypes leaves unknown names out.
func (w *World) DescribeInstanceTypes(ctx context.Context, names []string) ([]port.InstanceType, error) {
	return read(ctx, w, "DescribeInstanceTypes", func(s *state) (out []port.InstanceType, n int, _ error) {
		for _, name := range chosen(names, s.aws.InstanceTypes) {
			t := s.aws.InstanceTypes[name]
			out = append(out, port.InstanceType{Name: name, VCPUs: t.VCPUs, GPUs: t.GPUs, MemoryMiB: t.MemoryMiB, GPUName: t.GPUName, Architectures: slices.Clone(t.Architectures)})
		}
		return out, max(len(out), len(names)), nil
	})
}
