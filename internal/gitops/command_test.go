package gitops_test

import (
	"strings"
	"testing"

	"domctl.dev/internal/gitops"
)

// TestReadCommands: only a whole line that all see as plain text is a command.
func TestReadCommands(t *testing.T) {
	for text, want := range map[string]string{
		"domctl plan":            "plan ",
		"domctl plan prod  \r\n": "plan prod",
		"Looks good.\n\ndomctl apply 0123abcd\n\nThanks": "apply 0123abcd",
		"Looks good:\ndomctl apply 0123abcd":             "apply 0123abcd",
		"domctl unlock":                                  "unlock ",
		"domctl rollback acme-prod":                      "rollback acme-prod",
		"domctl aply 0123abcd":                           "help ",
		"domctl is great":                                "",
		"domctl can wait":                                "",
		"domctl help":                                    "help ",
		"domctl plan\ndomctl unlock":                     "plan ;unlock ",
		"domctl apply":                                   "apply ",
		"```\nx\n```\ndomctl plan":                       "plan ",
		"~~~sh\n```\n~~~\ndomctl plan":                   "plan ",
		"````\n```\ndomctl plan\n````\ndomctl unlock":    "unlock ",
		"> quoted\n\ndomctl plan":                        "plan ",
		"- item\n\ndomctl plan":                          "plan ",

		"":                                             "",
		" domctl plan":                                 "",
		"    domctl plan":                              "",
		"\tdomctl plan":                                "",
		"domctl  plan":                                 "",
		"Domctl plan":                                  "",
		"domctl plan prod now":                         "",
		"domctl help me":                               "",
		"domctl plans":                                 "help ",
		"domctl plan.":                                 "help ",
		"please domctl plan":                           "",
		"`domctl plan`":                                "",
		"domctl plan `x`":                              "",
		"domctl plan ../x":                             "",
		"domctl\u00a0plan":                             "",
		"domctl plan\u200b":                            "help ",
		"> domctl plan":                                "",
		"> quoted\ndomctl plan":                        "",
		">>>\n\ndomctl plan\n\n>>>":                    "",
		"- item\ndomctl plan":                          "",
		"1. item\ndomctl plan":                         "",
		"```\ndomctl plan\n```":                        "",
		"```\ndomctl plan":                             "",
		"```\n``` x\ndomctl plan\n```":                 "",
		"~~~\n```\ndomctl plan\n~~~":                   "",
		"   ```\ndomctl plan\n   ```":                  "",
		"- ```\n  x\n\ndomctl plan":                    "",
		"    ```\ndomctl plan":                         "",
		"> ```\n\ndomctl plan":                         "",
		"<!--\ndomctl plan\n-->":                       "",
		"x <!--\n\ndomctl plan\n-->":                   "",
		"<details>\n\ndomctl plan\n":                   "",
		"<pre>\n\ndomctl plan\n":                       "",
		"[x]: /y \"\ndomctl plan\n\"":                  "",
		"a `\ndomctl plan\n` b":                        "",
		"$$\ndomctl plan\n$$":                          "",
		"| a |\n|---|\ndomctl plan":                    "",
		"<a title=\"\ndomctl plan\n\">":                "",
		"a <b title=\"\ndomctl plan\n\">":              "",
		"a\\\ndomctl plan":                             "",
		strings.Repeat("x\n", 1<<19) + "\ndomctl plan": "",
	} {
		var got []string
		for _, c := range gitops.ReadCommands(text) {
			got = append(got, string(c.Verb)+" "+c.Arg)
		}
		if s := strings.Join(got, ";"); s != want {
			t.Errorf("%.60q: %q, want %q", text, s, want)
		}
	}
}

// FuzzReadCommands: each command stands in the text as a line, and none of what is put
// into a quote or into code is one.
func FuzzReadCommands(f *testing.F) {
	for _, s := range []string{"domctl plan", "```\ndomctl plan\n```", "> x\ndomctl apply 01", "<!-- -->\ndomctl help", "- a\n\n  ```\ndomctl plan"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		lines := strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' })
		for _, c := range gitops.ReadCommands(text) {
			want, found := strings.TrimSpace("domctl "+string(c.Verb)+" "+c.Arg), false
			for _, line := range lines {
				found = found || strings.TrimRight(line, " \t") == want || c.Verb == gitops.HelpVerb && strings.HasPrefix(line, "domctl ")
			}
			if !found {
				t.Errorf("%+v of %q", c, text)
			}
		}
		flat := strings.ReplaceAll(text, "\r", "\n")
		var quoted, code strings.Builder
		for line := range strings.SplitSeq(flat, "\n") {
			quoted.WriteString("> " + line + "\n")
			code.WriteString("    " + line + "\n")
		}
		long := strings.Repeat("`", strings.Count(flat, "`")+3)
		for _, in := range []string{quoted.String(), code.String(), long + "\n" + flat + "\n" + long, "<!--\n" + flat} {
			if got := gitops.ReadCommands(in); len(got) > 0 {
				t.Errorf("%q: %+v", in, got)
			}
		}
	})
}
