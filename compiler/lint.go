package compiler

import (
	"fmt"
	"path"
	"strings"

	"domctl.dev/internal/lint"
	"domctl.dev/schema"
)

// lint adds what is to be said of the texts in environments, each at its place.
func (r *Result) lint(t *tree) {
	found := lint.Check(r.Desired)
	if len(found) == 0 {
		return
	}
	x := t.texts()
	for _, f := range found {
		r.Findings = append(r.Findings, x.finding(r.Desired, f))
	}
}

// texts are those of the files that were read.
func (t *tree) texts() *texts {
	return newTexts(func(name string) string { return t.textOf(path.Join(t.dir, name)) }, t.Files())
}

// finding gives places their positions. Where one cannot be told, the message says which
// line of the text it is.
func (x *texts) finding(d schema.Desired, f lint.Found) schema.Finding {
	out := schema.Finding{Code: f.Code, Severity: f.Severity, Address: f.Address, Message: f.Message, Hint: f.Hint}
	for i, p := range f.At {
		o := d.Objects[p.Address]
		if p.Offset < 0 {
			out.Positions = append(out.Positions, o.Nearest(p.Path)...)
			continue
		}
		at, exact := x.At(o, p.Path, p.Offset)
		if !exact && i == 0 {
			out.Message += fmt.Sprintf(" (line %d of %s)", 1+strings.Count(o.Fields[p.Path].Str()[:p.Offset], "\n"), p.Path)
		}
		out.Positions = append(out.Positions, at)
	}
	out.Positions = schema.InOrder(out.Positions)
	return out
}
