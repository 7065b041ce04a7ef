package sandbox

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"domctl.dev/internal/port"
)

// CreateTags sets tags on every id, or on none when one is missing.
func (w *World) CreateTags(ctx context.Context, ids []string, tags map[string]string) error {
	return w.retag(ctx, "CreateTags", ids, func(has map[string]string) map[string]string {
		has = copied(has)
		if has == nil {
			has = map[string]string{}
		}
		maps.Copy(has, tags)
		return has
	})
}

// DeleteTags removes keys, whatever their value; a key that is not there is no
// error.
func (w *World) DeleteTags(ctx context.Context, ids []string, keys []string) error {
	return w.retag(ctx, "DeleteTags", ids, func(has map[string]string) map[string]string {
		for _, k := range keys {
			has = removed(has, k)
		}
		return has
	})
}

func (w *World) retag(ctx context.Context, call string, ids []string, change func(map[string]string) map[string]string) error {
	return effect(ctx, w, call, func(s *state) (*state, error) {
		n, r := *s, w.here(s)
		for _, id := range ids {
			found := false
			switch prefix, _, _ := strings.Cut(id, "-"); prefix {
			case "ami":
				r.Images, found = tagOf(r.Images, id, func(i image) image { i.Tags = change(i.Tags); return i })
			case "snap":
				r.Snapshots, found = tagOf(r.Snapshots, id, func(v snapshot) snapshot { v.Tags = change(v.Tags); return v })
			case "i":
				n.aws.Instances, found = tagOf(n.aws.Instances, id, func(i instance) instance { i.Tags = change(i.Tags); return i })
			case "vol":
				n.aws.Volumes, found = tagOf(n.aws.Volumes, id, func(v volume) volume { v.Tags = change(v.Tags); return v })
			default:
				return nil, fmt.Errorf("%s: the sandbox tags images, snapshots, instances and volumes; %w", id, port.ErrNotFound)
			}
			if !found {
				return nil, fmt.Errorf("%s: %w", id, port.ErrNotFound)
			}
		}
		return w.withHere(&n, r), nil
	})
}

func tagOf[V any](m map[string]V, id string, change func(V) V) (map[string]V, bool) {
	v, ok := m[id]
	if !ok {
		return m, false
	}
	return added(m, id, change(v)), true
}
