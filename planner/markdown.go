package planner

import (
	"fmt"
	"io"
	"strings"

	"domctl.dev/schema"
)

// Markdown renders a plan for a pull request comment: the headline first, then
// the changes as a diff block, then the findings.
func (p Plan) Markdown(w io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "### domctl plan: %s\n\n%s\n\n", code(p.Deployment), escape(p.headline()))
	if len(p.Changes) > 0 {
		writeBlock(&b, p.Changes)
	}
	if len(p.Drift) > 0 {
		b.WriteString("Changed outside of domctl since the last apply:\n\n")
		writeBlock(&b, p.Drift)
	}
	if text := p.kept() + p.foretold(); text != "" {
		fenced(&b, "", text)
	}
	for _, f := range alike(p.Findings) {
		fmt.Fprintf(&b, "- **%s %s** %s", f.Severity, f.Code, about(f.Finding))
		for _, at := range f.Positions {
			fmt.Fprintf(&b, " %s", code(at.String()))
		}
		if len(f.others) > 0 {
			fmt.Fprintf(&b, "; and the same of %d more:", len(f.others))
			for line := range inLines(f.others) {
				b.WriteString(" " + escape(line))
			}
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "  \n  %s", escape(f.Hint))
		}
		b.WriteByte('\n')
	}
	fmt.Fprintf(&b, "\nplan %s, effect %s\n", code(p.ID), code(p.Effect))
	_, err := io.WriteString(w, b.String())
	return err
}

// about is what a finding says, and of which address if it is about one.
func about(f schema.Finding) string {
	if f.Address == (schema.Address{}) {
		return escape(f.Message)
	}
	return code(f.Address.String()) + ": " + escape(f.Message)
}

func writeBlock(b *strings.Builder, changes []Change) {
	var body strings.Builder
	_ = WriteChanges(&body, changes, Style{}) // a builder never fails
	fenced(b, "diff", body.String())
}

// fenced puts text between more backticks than it contains.
func fenced(b *strings.Builder, language, body string) {
	fence := "```"
	for strings.Contains(body, fence) {
		fence += "`"
	}
	fmt.Fprintf(b, "%s%s\n%s%s\n\n", fence, language, body, fence)
}

func code(s string) string { return "`" + strings.ReplaceAll(Printable(s), "`", "'") + "`" }

// escape keeps text from outside from being read as Markdown or HTML.
func escape(s string) string {
	var b strings.Builder
	for _, r := range Printable(s) {
		if strings.ContainsRune("\\`*_{}[]<>()#|~!@&", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}
