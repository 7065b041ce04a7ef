package schema

import (
	"strings"
	"testing"
)

func TestNameFaults(t *testing.T) {
	baked := func(name string) string { return BakedNameFault("acme-prod", name) }
	for _, c := range []struct {
		fault func(string) string
		name  string
		want  string // "" for none
	}{
		{NameFault, "gpu-small", ""},
		{NameFault, "GPU small (A10), é", ""},
		{NameFault, strings.Repeat("é", 128), ""},
		{NameFault, "", "is empty"},
		{NameFault, " gpu", "blank"},
		{NameFault, "gpu\u00a0", "blank"},
		{NameFault, "a\x00b", "U+0000"},
		{NameFault, "a\nb", "U+000A"},
		{NameFault, "a\u200bb", "U+200B"},
		{NameFault, "a\u202eb", "U+202E"},
		{NameFault, strings.Repeat("é", 129), "has 129 characters, more than 128"},
		{LabelFault, "default-gpu", ""},
		{LabelFault, "a", ""},
		{LabelFault, strings.Repeat("a", 63), ""},
		{LabelFault, strings.Repeat("a", 64), "at most 63"},
		{LabelFault, "-gpu", "letter or digit"},
		{LabelFault, "gpu pool", "label"},
		{LabelFault, "", "label"},
		{baked, "gpu", ""},
		{baked, "gpu (1)", ""},
		{baked, "gpu:1", "EC2 image cannot"},
		{baked, "gpü", "EC2 image cannot"},
		{baked, strings.Repeat("a", 77), ""},
		{baked, strings.Repeat("a", 78), "129 characters"},
	} {
		got := c.fault(c.name)
		if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%q: %q, want %q", c.name, got, c.want)
		}
	}
}
