package schema

import "slices"

// Platforms are those that a base image is looked up for.
func (o Object) Platforms() []string {
	if stated := o.Fields["platforms"].Strings(); len(stated) > 0 {
		return stated
	}
	return []string{"linux/amd64"}
}

// baseImages: images that environments are built on. Nothing is ever written;
// the digest comes from resolved.cue.
func baseImages() Kind {
	return Kind{Name: "baseImages", noun: "base image", Gone: "release", check: checkBaseImages, Resolve: resolveImage, Unresolved: undigested, Fields: common(
		Field{Path: "image", Type: String},
		Field{Path: "platforms", Type: Set, Declared: true},
		Field{Path: "digests.*", Type: String, Computed: true},
	)}
}

func checkBaseImages(c *checker) {
	for a, o := range c.of("baseImages") {
		c.image(a, o, "image")
	}
}

// resolveImage fills the digests of the platforms that are looked up.
func resolveImage(r Resolved, a Address, o Object) *Finding {
	image := o.Fields["image"].Str()
	entry, ok := r.BaseImages[a.Name]
	switch {
	case image == "":
		return nil
	case !ok || entry.Image != image:
		return unresolved(a, o.Positions("image"), ok, image)
	}
	for _, platform := range o.Platforms() {
		digest, looked := entry.Digests[platform]
		if !looked {
			return unresolved(a, o.Positions("platforms"), true, image+" for "+platform)
		}
		p := JoinPath("digests", platform)
		o.Fields[p], o.At[p] = JSON(digest), o.At["image"]
	}
	return nil
}

// undigested says that a platform's digest was not looked up.
func undigested(o Object) bool {
	return slices.ContainsFunc(o.Platforms(), func(p string) bool { return o.Fields[JoinPath("digests", p)].Is == Absent })
}
