package schema

// baseImages: images that environments are built on. Nothing is ever written;
// the digest comes from resolved.cue.
func baseImages() Kind {
	return Kind{Name: "baseImages", Gone: "release", Fields: common(
		Field{Path: "image", Type: String},
		Field{Path: "platforms", Type: Set, Declared: true},
		Field{Path: "digests.*", Type: String, Computed: true},
	)}
}
