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

// TestSecretsThatAnApplyLacks are all in the plan, beside what they are for.
func TestSecretsThatAnApplyLacks(t *testing.T) {
	b := withAPI(t)
	e := object("environments", "Spark", map[string]any{"dockerfile": "RUN true", "variables.A": "!env:A", "variables.B": "!env:B", "variables.C": "!env:C"})
	b.env["env:C"] = "canary"
	p := b.plan(e)
	if got := findings(p); !slices.Equal(got, []string{"DC160 environments.Spark"}) || !strings.HasSuffix(p.Findings[0].Message, "secret env:A is not set; secret env:B is not set") {
		t.Errorf("%v", p.Findings)
	}
	if len(p.Steps) != 2 || p.Refused() {
		t.Errorf("who applies may have them:\n%s", steps(p))
	}
	_, err := b.engine(e).Apply(t.Context(), p)
	if err == nil || !strings.Contains(err.Error(), "env:A is not set") || !strings.Contains(err.Error(), "env:B is not set") {
		t.Errorf("%v", err)
	}
}
