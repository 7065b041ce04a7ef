package world

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"domctl.dev/schema"
)

// Cached are the places among images in use of those that an AMI is to hold; ok
// is false when one of them is not there.
func Cached(used []UsedImage, c schema.Cache) (places []int, ok bool) {
	find := func(kind, name string, is func(UsedImage) bool) bool {
		i := slices.IndexFunc(used, func(u UsedImage) bool { return u.Address == schema.Address{Kind: kind, Name: name} && is(u) })
		places = append(places, i)
		return i >= 0
	}
	for _, name := range c.BaseImages {
		if !find("baseImages", name, func(UsedImage) bool { return true }) {
			return nil, false
		}
	}
	for _, name := range schema.Sorted(c.Environments) {
		for _, n := range c.Environments[name] {
			if !find("environments", name, func(u UsedImage) bool { return u.Revision == n || u.Active && n == schema.ActiveRevision }) {
				return nil, false
			}
		}
	}
	return places, true
}

// CacheOf states images as an AMI's cache does; unnamed are those that the files
// have no name for.
func CacheOf(images []UsedImage) (c schema.Cache, unnamed []string) {
	c.Environments = map[string][]int64{}
	for _, u := range images {
		switch {
		case u.Address == schema.Address{}:
			unnamed = append(unnamed, fmt.Sprintf("%s revision %d", u.Name, u.Revision))
		case u.Base:
			c.BaseImages = append(c.BaseImages, u.Address.Name)
		case u.Active:
			c.Environments[u.Address.Name] = append(c.Environments[u.Address.Name], schema.ActiveRevision)
		default:
			c.Environments[u.Address.Name] = append(c.Environments[u.Address.Name], u.Revision)
		}
	}
	return c, unnamed
}

// PoolLabels are the pools of the files by the label that tiers name.
func PoolLabels(d schema.Desired) map[string]schema.Address {
	out := map[string]schema.Address{}
	for _, a := range slices.Backward(schema.Addresses(d.Objects)) {
		if label := d.Objects[a].Fields["label"].Str(); a.Kind == "nodePools" && label != "" {
			out[label] = a
		}
	}
	return out
}

// PoolAMIs are the entries of amis that a pool's groups stand on.
func PoolAMIs(o schema.Object) []schema.Address {
	found := map[schema.Address]bool{}
	for p, v := range o.Fields {
		if a, _, ok := v.Target(); ok && a.Kind == "amis" && strings.HasSuffix(p, ".ami") {
			found[a] = true
		}
	}
	return slices.SortedFunc(maps.Keys(found), func(a, b schema.Address) int { return strings.Compare(a.Name, b.Name) })
}
