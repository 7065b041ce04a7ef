package schema

import (
	"strings"
	"testing"
)

func TestNodeFault(t *testing.T) {
	for _, c := range []struct {
		key, value string
		says       string
	}{
		{"team", "ml", ""}, {"nvidia.com/gpu", "true", ""}, {"spot", "", ""}, {strings.Repeat("k", 63), "a_b-c.d", ""},
		{strings.Repeat("k", 64), "", "is no key"}, {"/x", "", "is no key"}, {"Example.com/x", "", "is no key"}, {"a b", "", "is no key"}, {"", "", "is no key"},
		{strings.Repeat("d", 70) + "/xxxxxxxxxxx", "", ""}, {strings.Repeat("d", 70) + "/xxxxxxxxxxxx", "", "holds 82"},
		{"team", "m l", `has the value "m l", which is no value`}, {"dominodatalab.com/node-pool", "x", "which label states"},
	} {
		if got := NodeFault(c.key, c.value); c.says == "" && got != "" || !strings.Contains(got, c.says) {
			t.Errorf("%s=%s: %q, want %q", c.key, c.value, got, c.says)
		}
	}
}
