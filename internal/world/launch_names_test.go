package world

import (
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestNamesOfTemplates keep to what EC2 takes.
func TestNamesOfTemplates(t *testing.T) {
	for _, from := range []string{"lc", strings.Repeat("x", 255), "nodes: ünder \x1b[1m<b>", "a-domctl-22222222-0123456789"} {
		seen := map[string]bool{}
		for _, name := range templateNames(schema.Address{Kind: "nodePools", Name: "p"}, from) {
			if len(name) < 3 || len(name) > 128 || seen[name] || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789().-/_") != "" {
				t.Errorf("%q of %q", name, from)
			}
			seen[name] = true
		}
	}
}
