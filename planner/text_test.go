package planner

import (
	"fmt"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestAlike: warnings that say the same of many objects are told once, errors and
// what is said of few each for itself.
func TestAlike(t *testing.T) {
	about := func(severity schema.Severity, code string, n int) (all []schema.Finding) {
		for i := range n {
			all = append(all, schema.Finding{Code: code, Severity: severity, Address: schema.Address{Kind: "hardwareTiers", Name: fmt.Sprintf("tier-%d", i)},
				Message: "says <this>", Hint: "do that", Positions: []schema.Position{{File: "a.cue", Line: i + 1, Col: 1}}})
		}
		return all
	}
	for name, c := range map[string]struct {
		findings []schema.Finding
		shown    int
		gathered string
	}{
		"few":    {about(schema.Warning, "DC231", 9), 9, ""},
		"many":   {about(schema.Warning, "DC231", 10), 1, "hardwareTiers.tier-8 a.cue:9:1, hardwareTiers.tier-9 a.cue:10:1"},
		"most":   {about(schema.Info, "DC231", 800), 1, "hardwareTiers.tier-799 a.cue:800:1"},
		"errors": {about(schema.Error, "DC231", 12), 12, ""},
		"two codes": {append(about(schema.Warning, "DC231", 10), about(schema.Warning, "DC114", 2)...), 3,
			"and the same of 9 more:"},
	} {
		var text, markdown strings.Builder
		if err := WriteFindings(&text, c.findings, Style{}); err != nil {
			t.Fatal(err)
		}
		if err := (Plan{Findings: c.findings}).Markdown(&markdown); err != nil {
			t.Fatal(err)
		}
		for form, got := range map[string]string{"text": text.String(), "Markdown": strings.ReplaceAll(markdown.String(), `\`, "")} {
			if n := strings.Count(got, "says <this>"); n != c.shown {
				t.Errorf("%s, %s: %d are shown, want %d\n%s", name, form, n, c.shown, got)
			}
			if !strings.Contains(got, c.gathered) || c.gathered == "" && strings.Contains(got, "and the same") {
				t.Errorf("%s, %s: want %q\n%s", name, form, c.gathered, got)
			}
		}
	}
}
