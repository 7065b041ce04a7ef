package planner

import (
	"strings"
	"testing"
	"unicode"

	"pgregory.net/rapid"
)

func TestLogLine(t *testing.T) {
	for line, want := range map[string]string{
		"::error file=a::b":       ": :error file=a::b",
		"\t ::add-mask::x":        "     : :add-mask::x",
		"\u00a0::error::x":        "\u00a0: :error::x",
		"##[error]x":              "# #[error]x",
		"a ###[group]":            "a ## #[group]",
		"##vso[task.setvariable]": "# #vso[task.setvariable]",
		"std::vector ## [1]":      "std::vector ## [1]",
		"\x1b[0K::error::x":       `\u001b[0K::error::x`,
	} {
		if got := LogLine(line); got != want {
			t.Errorf("%q is shown as %q, want %q", line, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.StringOf(rapid.SampledFrom([]rune(":#[]av \t\u3000\ufeff\r"))).Draw(t, "line")
		got := LogLine(line)
		if strings.HasPrefix(strings.TrimLeftFunc(got, unicode.IsSpace), "::") || commandMark.MatchString(got) || LogLine(got) != got {
			t.Fatalf("%q is shown as %q", line, got)
		}
	})
}
