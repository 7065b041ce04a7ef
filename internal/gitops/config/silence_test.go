package config_test

import (
	"strings"
	"testing"

	"domctl.dev/compiler"
	"domctl.dev/internal/gitops/config"
	"domctl.dev/schema"
)

// TestNoTreeSilencesARule: a commit that turns off what a rule is about is refused; other
// findings, and other levels, are the files' own.
func TestNoTreeSilencesARule(t *testing.T) {
	d := config.Deployment{World: "sandbox", Rules: []config.Rule{{Name: "sizes", When: config.When{Findings: []string{"DC201", "DC114"}}}, {Name: "all", When: config.When{Any: true}}}}
	for level, want := range map[string]string{
		"DC114 off":     `DC525 x.cue:1:1: deployment.findings turns off DC114, and rule "sizes"`,
		"DC201 off":     `DC525 x.cue:1:1: deployment.findings turns off DC201, and rule "sizes"`,
		"DC201 warning": "", "DC103 off": "",
	} {
		code, to, _ := strings.Cut(level, " ")
		dep := schema.Deployment{Name: "p", World: "sandbox", Findings: map[string]string{code: to}, At: []schema.Position{{File: "x.cue", Line: 1, Col: 1}}}
		_, found := d.Bind("p", config.ToPlan, compiler.Result{Desired: schema.Desired{Deployment: dep}})
		if got := said(found); !strings.HasPrefix(got, want) || want == "" && got != "" {
			t.Errorf("%s: %q, want %q", level, got, want)
		}
	}
}
