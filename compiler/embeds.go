package compiler

import (
	"cmp"
	stderrors "errors"
	"fmt"
	"iter"
	"path"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/inject/embed"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// embedding is a field that an @embed stands beside.
type embedding struct {
	path  []string // of the field, from the root
	named string   // the file, as it names it; "" where it names none
	file  string   // the same as a path of the tree
}

// failedEmbed says why an @embed brings nothing: CUE's own error says no more than that.
func (p problems) failedEmbed(f *schema.Finding, e errors.Error) {
	x := p.embedding(e.Position())
	f.Address = addressOf(x.path)
	why, name := deepest(e), p.tree.relative(x.file)
	f.Positions = schema.InOrder(append(f.Positions, p.positions(why)...))
	format, args := why.Msg()
	said := clip(cmp.Or(fmt.Sprintf(format, args...), why.Error()))
	switch {
	case secretive(x.path):
		said, f.Hint = "cannot be embedded (not shown why: it may be a secret)", "`cue vet` says why"
	case strings.HasSuffix(said, "no such file or directory"):
		said, f.Hint = "there is no file "+name, "it is looked for from the folder of "+path.Base(e.Position().Filename())
		if c := p.tree.nearestFile(x.file); c != "" {
			f.Hint = fmt.Sprintf("did you mean %q?", p.tree.relative(c))
		}
	case strings.HasPrefix(said, "no encoding specified"), strings.HasPrefix(said, "unknown file extension"):
		said = "what " + name + " holds does not follow from its name"
		f.Hint = fmt.Sprintf("write type=text: @embed(file=%s,type=text)", x.named)
	case strings.HasPrefix(said, "unknown filetype"):
		f.Hint = "write type=text"
	case strings.HasPrefix(said, "cannot embed directories"):
		said, f.Hint = name+" is a folder", "name a file in it"
	case strings.HasPrefix(said, "cannot refer to parent directory"), strings.HasPrefix(said, "only relative files"):
		f.Hint = "name a file beside " + path.Base(e.Position().Filename()) + ", or in a folder below it"
	case strings.HasPrefix(said, "attribute must have file"):
		f.Hint = "write @embed(file=FILE,type=text)"
	}
	f.Message = strings.TrimPrefix(p.relative(x.path, f.Address)+": "+said, ": ")
}

// toldOfFile says that an @embed fails since its file was refused, which is a finding of
// the file's.
func (p problems) toldOfFile(e errors.Error) bool {
	if format, _ := e.Msg(); format != attributeFails {
		return false
	}
	x := p.embedding(e.Position())
	p.tree.mu.Lock()
	defer p.tree.mu.Unlock()
	for at := x.file; at != "." && at != ""; at = path.Dir(at) {
		if _, refused := p.tree.refused[at]; refused {
			return true
		}
	}
	return false
}

// attributeFails is how CUE begins to say that an attribute brings nothing.
const attributeFails = "@%s"

// deepest is what CUE wraps in the end.
func deepest(e errors.Error) errors.Error {
	var err error = e
	for inner := err; inner != nil; inner = stderrors.Unwrap(err) {
		err = inner
	}
	return errors.Errors(err)[0]
}

// embedding is the field of the @embed at a place, or none.
func (p problems) embedding(at token.Pos) (x embedding) {
	for _, f := range p.files {
		if f.Filename != at.Filename() {
			continue
		}
		for a, path := range attributed(f.Decls, nil) {
			if a.Pos() == at {
				x.path = path
			}
		}
		all, _ := embed.EmbeddedPaths(f.Filename, f) // what is wrong in others is told of them
		for _, e := range all {
			if file, _, err := e.Attribute.Lookup(0, "file"); err == nil && e.Attribute.Pos == at {
				x.named, x.file = file, strings.TrimPrefix(path.Join(path.Dir(f.Filename), file), "/")
			}
		}
	}
	return x
}

// attributed ranges over the attributes of fields, with the path of the field of each.
func attributed(decls []ast.Decl, below []string) iter.Seq2[*ast.Attribute, []string] {
	return func(yield func(*ast.Attribute, []string) bool) {
		for _, d := range decls {
			field, ok := d.(*ast.Field)
			if !ok {
				continue
			}
			at := append(below[:len(below):len(below)], labelText(field.Label))
			for _, a := range field.Attrs {
				if !yield(a, at) {
					return
				}
			}
			if members, ok := field.Value.(*ast.StructLit); ok {
				for a, p := range attributed(members.Elts, at) {
					if !yield(a, p) {
						return
					}
				}
			}
		}
	}
}

// unheeded is a hint where the field at a path has an @embed, in a file that asks for none.
func (p problems) unheeded(path []string) string {
	for _, f := range p.files {
		for a, at := range attributed(f.Decls, nil) {
			if strings.HasPrefix(a.Text, "@embed(") && slices.Equal(at, path) && !slices.ContainsFunc(f.Decls, asksToEmbed) {
				return "write @extern(embed) at the top of " + p.tree.relative(f.Filename) + ": without it @embed brings nothing"
			}
		}
	}
	return ""
}

func asksToEmbed(d ast.Decl) bool {
	a, ok := d.(*ast.Attribute)
	return ok && strings.HasPrefix(a.Text, "@extern(")
}

// nearestFile is what is there, of nearly the name: "" where nothing is.
func (t *tree) nearestFile(name string) string {
	at := "."
	for segment := range strings.SplitSeq(name, "/") {
		entries, _ := t.ReadDir(at) // what cannot be read is a finding already
		var names []string
		here := ""
		for _, e := range entries {
			names = append(names, e.Name())
			if e.Name() == segment {
				here = segment
			}
		}
		if here == "" {
			here = schema.Nearest(segment, names)
		}
		if here == "" {
			return ""
		}
		at = path.Join(at, here)
	}
	return at
}
