package compiler

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"domctl.dev/internal/form"
	"domctl.dev/internal/lint"
	"domctl.dev/schema"
)

var errForm = errors.New("a text that does not read as what it stands for")

// form reads the text that stands for a free-form value, and notes where its parts
// stand. What is wrong with it is told at its place within the text.
func (w *reader) form(a schema.Address, o schema.Object, path, text string, at []schema.Position) (schema.Value, error) {
	if w.texts == nil {
		w.texts = w.pkg.tree.texts()
	}
	s, exact := w.texts.spanOf(at, text)
	value, places, faults := form.Tools(text)
	for _, f := range faults {
		where, message := at, path+": "+f.Why
		if exact {
			elsewhere := slices.DeleteFunc(slices.Clone(at), func(p schema.Position) bool { return p.File == s.name })
			where = schema.InOrder(append(elsewhere, s.position(f.Offset)))
		} else {
			line, _ := form.Place(text, f.Offset)
			message += fmt.Sprintf(" (line %d of %s)", line, path)
		}
		w.add(codeForm, a, where, "write it as Domino's form takes it: name: {title: …, start: […], httpProxy: {port: …}}", "%s", message)
	}
	if len(faults) > 0 {
		return schema.Value{}, errForm
	}
	if len(value) == 0 && !strings.Contains(text, "{") {
		w.warn(codeText, a, at, "write what is missing; where nothing is meant, state {}", "%s is empty: an apply takes away what Domino has", path)
	}
	if line := lint.NotUTF8(text); line > 0 {
		w.warn(codeText, a, at, "save the file as UTF-8", "%s is not UTF-8, in line %d: the byte is lost", path, line)
	}
	for p, offset := range places {
		if p != "" && exact {
			o.At[schema.JoinPath(append([]string{path}, schema.SplitPath(p)...)...)] = []schema.Position{s.position(offset)}
		}
	}
	return schema.JSON(value), nil
}
