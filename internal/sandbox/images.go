package sandbox

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// DescribeImages answers by id; unknown ids are left out.
func (w *World) DescribeImages(ctx context.Context, q port.ImageQuery) ([]port.Image, error) {
	err := checkFilters("DescribeImages", q.Filters, "architecture", "creation-date", "image-id", "image-type", "name", "owner-alias", "owner-id",
		"root-device-type", "state", "virtualization-type")
	if err != nil {
		return nil, err
	}
	return read(ctx, w, "DescribeImages", func(s *state) (out []port.Image, n int, err error) {
		for _, id := range chosen(q.IDs, w.here(s).Images) {
			i, err := w.image(s, id)
			if err != nil {
				return nil, 0, err
			}
			if i.owned(q.Owners, s.aws.Account) && (q.IDs != nil || i.listed(q.Disabled, s.aws.Account, w.now())) &&
				passes(q.Filters, i.visible(s.aws.Account), func(name string) []string { return i.attribute(id, name) }) {
				out = append(out, w.portImage(s, id, i))
			}
		}
		return out, max(len(out), len(q.IDs)), nil
	})
}

// listed says whether an image that nobody asked for by id is in a list: a
// disabled one on request, another's until it is deprecated (EC2 API Reference,
// DescribeImages, IncludeDisabled and IncludeDeprecated).
func (i image) listed(disabled bool, self, now string) bool {
	return (disabled || i.State != "disabled") && (i.Owner == self || i.Deprecated == "" || now < i.Deprecated)
}

// visible are the tags that an account sees: its own (EC2 User Guide, Tag your
// Amazon EC2 resources, Tag restrictions).
func (i image) visible(self string) map[string]string {
	if i.Owner != self {
		return nil
	}
	return i.Tags
}

// image as it stands at this time.
func (w *World) image(s *state, id string) (i image, err error) {
	i, ok := w.here(s).Images[id]
	if !ok {
		return i, fmt.Errorf("image %s: %w", id, port.ErrNotFound)
	}
	i.Owner, i.RootDevice = cmp.Or(i.Owner, s.aws.Account), cmp.Or(i.RootDevice, "/dev/xvda")
	to := "available"
	if i.Fails != "" {
		to = "failed"
	}
	if i.State, err = w.settled(cmp.Or(i.State, "available"), i.Available, "pending", to); err != nil {
		return i, fmt.Errorf("aws.images.%s: %w", id, err)
	}
	return i, nil
}

func (w *World) portImage(s *state, id string, i image) port.Image {
	p := port.Image{ID: id, Name: i.Name, Owner: i.Owner, OwnerAlias: i.OwnerAlias, State: i.State, Architecture: i.Architecture, Created: i.Created,
		Description: i.Description, Tags: copied(i.visible(s.aws.Account)), Instance: i.Instance, Source: i.Source, SourceRegion: i.SourceRegion,
		Deprecated: i.Deprecated, Public: i.public(), RootDevice: i.RootDevice, RootGiB: i.RootGiB}
	if i.State == "failed" {
		p.Reason = i.Fails
	}
	for _, device := range schema.Sorted(i.Snapshots) {
		snap := i.Snapshots[device]
		p.Volumes = append(p.Volumes, port.ImageVolume{Device: device, Snapshot: snap, GiB: w.here(s).Snapshots[snap].GiB, Deleted: true})
	}
	return p
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

// attribute is what a filter compares; each AMI here is EBS-backed and HVM.
func (i image) attribute(id, name string) []string {
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
	case "root-device-type":
		return []string{"ebs"}
	case "virtualization-type":
		return []string{"hvm"}
	case "image-type":
		return []string{"machine"}
	}
	return nil
}

// DescribeInstanceTypes leaves unknown names out.
func (w *World) DescribeInstanceTypes(ctx context.Context, names []string) ([]port.InstanceType, error) {
	return read(ctx, w, "DescribeInstanceTypes", func(s *state) (out []port.InstanceType, n int, _ error) {
		for _, name := range chosen(names, s.aws.InstanceTypes) {
			t := s.aws.InstanceTypes[name]
			out = append(out, port.InstanceType{Name: name, VCPUs: t.VCPUs, GPUs: t.GPUs, MemoryMiB: t.MemoryMiB, StoreGB: t.StoreGB, GPUName: t.GPUName, Architectures: slices.Clone(t.Architectures)})
		}
		return out, max(len(out), len(names)), nil
	})
}
