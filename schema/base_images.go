package schema

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
	return Kind{Name: "baseImages", Gone: "release", Fields: common(
		Field{Path: "image", Type: String},
		Field{Path: "platforms", Type: Set, Declared: true},
		Field{Path: "digests.*", Type: String, Computed: true},
	)}
}
