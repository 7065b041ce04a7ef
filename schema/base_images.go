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
	return Kind{Name: "baseImages", Gone: "release", Unresolved: undigested, Fields: common(
		Field{Path: "image", Type: String},
		Field{Path: "platforms", Type: Set, Declared: true},
		Field{Path: "digests.*", Type: String, Computed: true},
	)}
}

// undigested says that a platform's digest was not looked up.
func undigested(o Object) bool {
	return slices.ContainsFunc(o.Platforms(), func(p string) bool { return o.Fields[JoinPath("digests", p)].Is == Absent })
}
