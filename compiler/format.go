package compiler

import (
	"fmt"
	"strings"

	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/literal"

	"domctl.dev/schema"
)

// FormatResolved writes resolved.cue: the same content gives the same bytes, in
// CUE's own formatting.
func FormatResolved(r schema.Resolved) ([]byte, error) {
	var b strings.Builder
	b.WriteString("// Kept by domctl (domctl update): what floats upstream, as it was looked up.\npackage " + packageName + "\n")
	for _, name := range schema.Sorted(r.AMIs) {
		ami := r.AMIs[name]
		fmt.Fprintf(&b, "\nresolved: amis: %s: {\n", label(name))
		field(&b, "image", ami.Image)
		field(&b, "source", ami.Source)
		field(&b, "name", ami.Name)
		field(&b, "created", ami.Created)
		b.WriteString("}\n")
	}
	for _, name := range schema.Sorted(r.BaseImages) {
		image := r.BaseImages[name]
		fmt.Fprintf(&b, "\nresolved: baseImages: %s: {\n", label(name))
		field(&b, "image", image.Image)
		b.WriteString("digests: {\n")
		for _, platform := range schema.Sorted(image.Digests) {
			field(&b, platform, image.Digests[platform])
		}
		b.WriteString("}\n}\n")
	}
	text, err := format.Source([]byte(b.String()))
	if err != nil {
		return nil, fmt.Errorf("format resolved.cue: %w", err)
	}
	return text, nil
}

func field(b *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "%s: %s\n", label(name), literal.String.Quote(value))
	}
}
