package world_test

import (
	"slices"
	"strings"
	"testing"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
)

// TestAnImportWithoutItsSecret is adopted: nobody knows of a change, which is said.
func TestAnImportWithoutItsSecret(t *testing.T) {
	b := inDomino(t, port.Definition{Image: "quay.io/x:1", Variables: map[string]string{"API_TOKEN": "canary"}})
	found, res := b.imported(t.TempDir(), engine.ImportOptions{})
	p := b.plan(res.Desired.Objects)
	if got := findings(p); !slices.Equal(got, []string{"DC160 environments.e0"}) || !strings.Contains(p.Findings[0].Message, "not known whether variables.API_TOKEN differs") {
		t.Errorf("%v", p.Findings)
	}
	b.adopted(found, res)
	b.env["env:DOMCTL_E0_API_TOKEN"] = "canary"
	if p := b.plan(res.Desired.Objects); !p.Empty() || len(p.Findings) > 0 {
		t.Errorf("the same: %v %v", p.Changes, p.Findings)
	}
	b.env["env:DOMCTL_E0_API_TOKEN"] = "another"
	if p := b.plan(res.Desired.Objects); len(p.Steps) != 2 {
		t.Errorf("another: %v\n%s", p.Changes, steps(p))
	}
}
