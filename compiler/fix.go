package compiler

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"

	"domctl.dev/internal/lint"
	"domctl.dev/schema"
)

// Fixed is what files become when what can safely be put right is. Files are relative to
// the deployment's folder; Findings are those that go.
type Fixed struct {
	Files    map[string][]byte
	Findings []schema.Finding
}

// cut replaces bytes of a file.
type cut struct {
	from, to int
	text     string
}

// Fix answers what to write. It evaluates nothing: r is what the source was compiled to,
// and a file that was changed since is left alone. What a policy turned off is not put
// right, nor what an expression makes.
func Fix(ctx context.Context, src Source, r Result) (Fixed, error) {
	out := Fixed{Files: map[string][]byte{}}
	root, err := os.OpenRoot(src.Root)
	if err != nil {
		return out, fmt.Errorf("open the module: %w", err)
	}
	defer root.Close()
	t := newTree(root.FS(), src.Dir)
	for _, name := range r.Files {
		if err := ctx.Err(); err != nil {
			return out, err
		}
		if _, err := t.ReadFile(path.Join(src.Dir, name)); err != nil {
			return out, fmt.Errorf("read %s: %w", name, err)
		}
	}
	x := t.texts()
	cuts := map[string][]cut{}
	for _, f := range lint.Check(r.Desired) {
		if len(f.Fix) == 0 || r.Desired.Deployment.Findings[f.Code] == "off" {
			continue
		}
		if name, wanted, ok := x.cuts(r.Desired, f); ok && fit(cuts[name], wanted) {
			cuts[name] = append(cuts[name], wanted...)
			out.Findings = append(out.Findings, x.finding(r.Desired, f))
		}
	}
	for name, all := range cuts {
		out.Files[name] = []byte(edited(x.file(name).text, all))
	}
	out.Findings = schema.SortFindings(out.Findings)
	return out, nil
}

// cuts are what a fix does to a file. It is false where the text is not written as it
// reads, or would not read as it should.
func (x *texts) cuts(d schema.Desired, f lint.Found) (name string, all []cut, ok bool) {
	first := f.Fix[0].Place
	o := d.Objects[first.Address]
	text := o.Fields[first.Path].Str()
	s, ok := x.spanOf(o.Positions(first.Path), text)
	if !ok {
		return "", nil, false
	}
	var within []cut
	for _, e := range f.Fix {
		if e.Address != first.Address || e.Path != first.Path || strings.ContainsAny(e.Text, "\n\\") {
			return "", nil, false
		}
		all = append(all, cut{s.offset(e.Offset), s.offset(e.To), e.Text})
		within = append(within, cut{e.Offset, e.To, e.Text})
	}
	return s.name, all, s.reads(all, edited(text, within))
}

// reads says that what a literal becomes says the text; a file always does.
func (s span) reads(all []cut, text string) bool {
	if s.at == nil {
		return true
	}
	from, to := s.literal[0], s.literal[1]
	moved := make([]cut, len(all))
	for i, c := range all {
		moved[i] = cut{c.from - from, c.to - from, c.text}
	}
	says, at := decoded(strings.ReplaceAll(edited(s.file.text[from:to], moved), "\r", ""))
	return at != nil && says == text
}

// fit says that further cuts touch none of those there are, but for the very same.
func fit(there, more []cut) bool {
	return !slices.ContainsFunc(more, func(m cut) bool {
		return slices.ContainsFunc(there, func(c cut) bool { return m != c && m.from <= c.to && c.from <= m.to })
	})
}

func edited(text string, all []cut) string {
	once := maps.Collect(func(yield func(cut, bool) bool) {
		for _, c := range all {
			if !yield(c, true) {
				return
			}
		}
	})
	var b strings.Builder
	at := 0
	for _, c := range slices.SortedFunc(maps.Keys(once), func(a, b cut) int { return cmp.Compare(a.from, b.from) }) {
		b.WriteString(text[at:c.from] + c.text)
		at = c.to
	}
	return b.String() + text[at:]
}
