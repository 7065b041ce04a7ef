package compiler

import (
	"bytes"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/format"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// Copy is one file with a copy of an entry in it. Embeds are the files that the copy
// embeds in place of the original's, by the original's, as the CUE names them.
type Copy struct {
	Text   []byte
	Embeds map[string]string
	Copied int // how often the entry stands in the file
}

// Duplicate writes a copy of an entry right after each place of a file where it stands:
// KIND: KEY: {…}. Without holds fields that the copy does not have, and set those that it
// has instead, by name. All other bytes stay; the copy is in CUE's own formatting.
func Duplicate(name string, text []byte, entry schema.Address, to string, without []string, set map[string]string) (c Copy, err error) {
	file, err := parser.ParseFile(name, text, parser.ParseComments)
	if err != nil {
		return c, fmt.Errorf("%s: %w", name, err)
	}
	formatted, err := format.Source(text)
	tidy := err == nil && bytes.Equal(formatted, text)
	c.Embeds = map[string]string{}
	var cuts []cut
	for _, top := range file.Decls {
		kind, is := top.(*ast.Field)
		if !is || labelOf(kind) != entry.Kind {
			continue
		}
		below, is := kind.Value.(*ast.StructLit)
		if !is {
			continue
		}
		for _, d := range below.Elts {
			one, is := d.(*ast.Field)
			if !is || labelOf(one) != entry.Name {
				continue
			}
			value, is := one.Value.(*ast.StructLit)
			if !is {
				return c, fmt.Errorf("DC374: %s:%d: %s is not written as fields in braces, so that domctl cannot copy it; write the copy by hand", name, one.Pos().Line(), entry)
			}
			body := c.body(text, value, entry.Name, to, without, set)
			if !tidy {
				if alone, err := format.Source([]byte("x: " + body)); err == nil {
					body = strings.TrimPrefix(strings.TrimSpace(string(alone)), "x: ")
				}
			}
			set = nil // once is enough
			c.Copied++
			at, written := lineEnd(text, one.End().Offset()), "\n"+indented(label(to)+": "+body, text, one.Pos().Offset())
			if below.Lbrace == token.NoPos { // environments: spark: {…}
				at, written = lineEnd(text, kind.End().Offset()), "\n\n"+entry.Kind+": "+label(to)+": "+body
			}
			cuts = append(cuts, cut{at, at, written})
		}
	}
	c.Text = []byte(edited(string(text), cuts))
	if tidy && len(cuts) > 0 {
		if c.Text, err = format.Source(c.Text); err != nil {
			return c, fmt.Errorf("%s: %w", name, err)
		}
	}
	return c, nil
}

// lineEnd is where a line ends, if nothing but a comment or a comma follows a place in
// it; else the place.
func lineEnd(text []byte, at int) int {
	line, _, _ := bytes.Cut(text[at:], []byte("\n"))
	rest := bytes.TrimSpace(line)
	if len(rest) == 0 || bytes.HasPrefix(rest, []byte("//")) || bytes.Equal(rest, []byte(",")) {
		return at + len(bytes.TrimRight(line, " \t\r"))
	}
	return at
}

// indented has the lines of a copy stand as deep as the original's first.
func indented(copied string, text []byte, at int) string {
	line := text[bytes.LastIndexByte(text[:at], '\n')+1 : at]
	depth := string(line[:len(line)-len(bytes.TrimLeft(line, " \t"))])
	lines := strings.Split(copied, "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = depth + l
		}
	}
	return strings.Join(lines, "\n")
}

func labelOf(f *ast.Field) string {
	name, _, err := ast.LabelName(f.Label)
	if err != nil {
		return ""
	}
	return name
}

// embedded finds the file of an @embed.
var embedded = regexp.MustCompile(`(@embed\([^)\n]*\bfile=)("[^"\n]*"|[^,)\s]+)`)

// body is the copy's own fields, as they are written.
func (c *Copy) body(src []byte, value *ast.StructLit, key, to string, without []string, set map[string]string) string {
	var b strings.Builder
	b.WriteString("{\n")
	here := map[string]bool{}
	at := value.Pos().Offset()
	if value.Lbrace != token.NoPos {
		at = value.Lbrace.Offset() + 1
	}
	for _, d := range value.Elts {
		end := lineEnd(src, d.End().Offset())
		text := string(src[at:end])
		at = end
		f, _ := d.(*ast.Field)
		name := fieldName(f)
		if own, replaced := set[name]; replaced {
			text, here[name] = "\n"+name+": "+literal.String.Quote(own), true
		} else if slices.Contains(without, name) {
			continue
		}
		b.WriteString(strings.TrimLeft(strings.TrimSpace(text), ",") + "\n")
	}
	for _, name := range schema.Sorted(set) {
		if !here[name] {
			b.WriteString(name + ": " + literal.String.Quote(set[name]) + "\n")
		}
	}
	b.WriteString("}")
	return c.reembed(b.String(), key, to)
}

// reembed names copies in place of embedded files.
func (c *Copy) reembed(text, key, to string) string {
	return embedded.ReplaceAllStringFunc(text, func(attribute string) string {
		parts := embedded.FindStringSubmatch(attribute)
		from := parts[2]
		if unquoted, err := literal.Unquote(from); err == nil {
			from = unquoted
		}
		c.Embeds[from] = beside(from, key, to)
		return parts[1] + literal.String.Quote(c.Embeds[from])
	})
}

func fieldName(f *ast.Field) string {
	if f == nil {
		return ""
	}
	return labelOf(f)
}

// beside is the name of a copied file: the entry's name in it, of its last folder else of
// itself, gives way to the copy's; else the copy's stands before it.
func beside(file, key, to string) string {
	dir, base := path.Split(file)
	switch {
	case strings.Contains(base, key):
		return dir + strings.Replace(base, key, to, 1)
	case path.Base(dir) == key:
		return path.Join(path.Dir(path.Clean(dir)), to, base)
	}
	return dir + to + "-" + base
}
