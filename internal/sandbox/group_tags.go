package sandbox

import (
	"context"
	"fmt"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/schema"
)

// propagated are the keys of the tags that instances get.
func (g group) propagated() (keys []string) {
	for _, k := range schema.Sorted(g.Tags) {
		if !slices.Contains(g.TagsKept, k) {
			keys = append(keys, k)
		}
	}
	return keys
}

// TagGroup follows the Auto Scaling API Reference, CreateOrUpdateTags: instances that run
// keep the tags that they have.
func (w *World) TagGroup(ctx context.Context, name string, tags []port.GroupTag) error {
	return w.retagGroup(ctx, "TagGroup", name, func(g group) group {
		for _, t := range tags {
			g.Tags = added(g.Tags, t.Key, t.Value)
			g = g.keeping(t.Key, !t.Propagates)
		}
		return g
	})
}

// UntagGroup follows the Auto Scaling API Reference, DeleteTags.
func (w *World) UntagGroup(ctx context.Context, name string, keys []string) error {
	return w.retagGroup(ctx, "UntagGroup", name, func(g group) group {
		for _, k := range keys {
			g.Tags = removed(g.Tags, k)
			g = g.keeping(k, false)
		}
		return g
	})
}

// keeping notes whether a tag is kept from instances.
func (g group) keeping(key string, kept bool) group {
	g.TagsKept = slices.DeleteFunc(slices.Clone(g.TagsKept), func(k string) bool { return k == key })
	if kept {
		g.TagsKept = append(g.TagsKept, key)
		slices.Sort(g.TagsKept)
	}
	return g
}

func (w *World) retagGroup(ctx context.Context, call, name string, change func(group) group) error {
	return effect(ctx, w, call, func(s *state) (*state, error) {
		g, ok := s.aws.AutoScalingGroups[name]
		if !ok {
			return nil, fmt.Errorf("group %s: %w", name, port.ErrNotFound)
		}
		return s.withGroup(name, change(g)), nil
	})
}
