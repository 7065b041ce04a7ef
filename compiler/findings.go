package compiler

import (
	"cmp"
	stderrors "errors"
	"fmt"
	"slices"
	"strings"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// problems turns what CUE says into findings: the arm of a disjunction that was
// meant, in the schema's words, with every place of the user's that takes part.
type problems struct {
	tree  *tree
	files []*ast.File // for places that CUE does not tell
}

// of makes the findings of an error. Without a code of its own an error gets
// the one given.
func (p problems) of(err error, code string) (found []schema.Finding) {
	for _, group := range groups(errors.Errors(err)) {
		for _, e := range meant(group) {
			if !stderrors.Is(e, errRefused) && !p.toldOfFile(e) { // a finding of the tree's own
				found = append(found, p.finding(e, code))
			}
		}
	}
	return found
}

// groups puts the arms of each failed disjunction together; any other error is
// a group of its own.
func groups(errs []errors.Error) [][]errors.Error {
	var heads []string
	for _, e := range errs {
		if isHead(e) {
			heads = append(heads, pathKey(e.Path()))
		}
	}
	var order []string
	members := map[string][]errors.Error{}
	for i, e := range errs {
		key := fmt.Sprint(i)
		for _, head := range heads {
			if path := pathKey(e.Path()); path == head || strings.HasPrefix(path, head+"\x00") {
				key = head
			}
		}
		if !slices.Contains(order, key) {
			order = append(order, key)
		}
		members[key] = append(members[key], e)
	}
	grouped := make([][]errors.Error, len(order))
	for i, key := range order {
		grouped[i] = members[key]
	}
	return grouped
}

func isHead(e errors.Error) bool {
	format, _ := e.Msg()
	return strings.Contains(format, "errors in empty disjunction")
}

func pathKey(path []string) string { return strings.Join(path, "\x00") }

// meant picks the errors of the arm that the user meant: one that was entered
// and failed further down, else one whose type fits, else any but null.
func meant(group []errors.Error) []errors.Error {
	if len(group) == 1 {
		return group
	}
	least := len(group[0].Path())
	for _, e := range group {
		least = min(least, len(e.Path()))
	}
	keep := func(ok func(errors.Error) bool) []errors.Error {
		var kept []errors.Error
		for _, e := range group {
			if !isHead(e) && ok(e) {
				kept = append(kept, e)
			}
		}
		return kept
	}
	if deeper := keep(func(e errors.Error) bool { return len(e.Path()) > least }); len(deeper) > 0 {
		return deeper
	}
	for _, ok := range []func(errors.Error) bool{typeFits, notNull, func(errors.Error) bool { return true }} {
		if kept := keep(ok); len(kept) > 0 {
			return kept[:1]
		}
	}
	return group[:1]
}

func typeFits(e errors.Error) bool {
	format, _ := e.Msg()
	return !strings.Contains(format, "mismatched types")
}

func notNull(e errors.Error) bool {
	_, args := e.Msg()
	return !slices.ContainsFunc(args, func(a any) bool { return fmt.Sprint(a) == "null" })
}

// finding words one error.
func (p problems) finding(e errors.Error, code string) schema.Finding {
	path := unquote(e.Path())
	f := schema.Finding{Code: code, Severity: schema.Error, Address: addressOf(path), Positions: p.positions(e)}
	what := p.relative(path, f.Address)
	format, args := e.Msg()
	switch {
	case strings.HasPrefix(format, "field not allowed"):
		p.unknownField(&f, path, what)
	case strings.HasPrefix(format, "conflicting values"), strings.HasPrefix(format, "invalid value"):
		p.misfit(&f, e, path, what)
	case strings.HasPrefix(format, "field is required"):
		f.Code, f.Message = codeMissing, what+" is required"
		f.Hint = hintFor(ruleAt(path))
	case strings.HasPrefix(format, "incomplete value"), strings.HasPrefix(format, "non-concrete"):
		f.Code, f.Message = codeMissing, what+" has no value"
		if r := ruleAt(path); r != nil {
			f.Message += ", want " + r.want()
		}
		f.Hint = cmp.Or(p.unheeded(path), hintFor(ruleAt(path)))
	case strings.HasPrefix(format, "reference %q not found"):
		f.Code, f.Message = codeMalformed, fmt.Sprintf("%s refers to %s, which is not defined", orWhole(what), shown(path, args[0]))
		if c := schema.Nearest(fmt.Sprint(args[0]), schema.Roots()); c != "" {
			f.Hint = fmt.Sprintf("did you mean %q?", c)
		} else if f.Hint = ruleAt(path).truth(fmt.Sprint(args[0])); f.Hint != "" {
		} else if name := fmt.Sprint(args[0]); !secretive(path) && ruleAt(path).takes(name) {
			f.Hint = fmt.Sprintf("text stands in quotes: %q", name)
		}
	case format == attributeFails:
		p.failedEmbed(&f, e)
	case strings.HasPrefix(format, "import failed"):
		p.failedImport(&f, e)
	case strings.HasSuffix(format, "found '%s' %s"): // a literal that CUE's parser quotes
		f.Message = strings.TrimSpace(what + " " + fmt.Sprintf(strings.TrimSuffix(format, " %s"), args[:2]...))
	case secretive(path) && len(args) > 0:
		f.Message, f.Hint = what+" cannot be evaluated (not shown why: it may be a secret)", "`cue vet` says why"
	default:
		f.Message = strings.TrimSpace(what + " " + clip(fmt.Sprintf(format, args...)))
	}
	if f.Message == "" { // CUE wraps without words
		f.Message = clip(e.Error())
	}
	if f.Code == codeMalformed && f.Hint == "" && (strings.HasPrefix(format, "missing ','") || strings.HasPrefix(format, "illegal integer")) {
		f.Hint = p.stumble(e)
	}
	if f.Code == codeMalformed && p.tree.conflicted(e.Position().Filename()) {
		f.Hint = "this looks like a merge conflict: keep one side between <<<<<<< and >>>>>>>, and delete the marks"
	}
	if len(f.Positions) == 0 {
		f.Positions = p.nearestPlace(path)
	}
	return f
}

// failedImport says which import it was: of another module, or of a package
// that is not in this one.
func (p problems) failedImport(f *schema.Finding, e errors.Error) {
	text := e.Error()
	if _, after, ok := strings.Cut(text, "cannot find package "); ok {
		pkg, _, _ := strings.Cut(after, ":")
		f.Code, f.Message = codeDependency, "import of "+pkg+", which is not in this tree"
		f.Hint = "import packages by the path of your own module; domctl takes none from a registry"
		return
	}
	f.Message = text
}

// orWhole names what is not a field: the object as a whole.
func orWhole(what string) string {
	if what == "" {
		return "it"
	}
	return what
}

func (p problems) unknownField(f *schema.Finding, path []string, what string) {
	if what == "it" {
		what = schema.JoinPath(path[len(path)-1])
	}
	f.Code, f.Message = codeUnknownField, "unknown field "+what
	parent := ruleAt(path[:len(path)-1]).object()
	if parent == nil {
		return
	}
	if len(parent.members) == 0 && len(parent.patterns) > 0 {
		f.Message = what + " is no name that fits here"
		f.Hint = "want " + parent.patterns[0].key.want()
		return
	}
	name := path[len(path)-1]
	f.Hint = schema.DidYouMean(name, parent.names())
	if at := len(path) - 3; at > 0 && ruleAt(path[:at+1]).isList() && ruleAt(path[:at]).object().byName[name] != nil {
		f.Hint = fmt.Sprintf("%s stands beside %s, for all of them; what differs in it is an object of its own", name, path[at])
	}
}

// misfit tells a value that the schema refuses from two places that disagree.
func (p problems) misfit(f *schema.Finding, e errors.Error, path []string, what string) {
	format, args := e.Msg()
	ours := slices.ContainsFunc(errors.Positions(e), func(at token.Pos) bool { return p.tree.owned(at.Filename()) })
	values := []string{shown(path, args[0]), shown(path, args[1])}
	r := ruleAt(path)
	mistyped := ""
	if !ours {
		mistyped = r.mistyped(values)
	}
	if r == nil || !ours && mistyped == "" {
		f.Code, f.Message = codeConflict, fmt.Sprintf("%s is both %s and %s", orWhole(what), values[0], values[1])
		f.Hint = "state it once, or the same everywhere"
		return
	}
	value := cmp.Or(mistyped, values[0])
	if at := e.InputPositions(); ours && strings.HasPrefix(format, "conflicting") && len(at) > 1 && p.tree.owned(at[0].Filename()) {
		value = values[1]
	}
	verb := "is"
	if r.isList() && !strings.HasPrefix(value, "[") {
		verb = "holds"
	}
	f.Code, f.Message = codeMisfit, fmt.Sprintf("%s %s %s, want %s", orWhole(what), verb, value, r.want())
	f.Hint = cmp.Or(hintFor(r), r.unquoted(value), r.inQuotes(value), r.truth(value))
	if word, err := literal.Unquote(value); err == nil {
		if c := schema.Nearest(word, r.words()); c != "" {
			f.Hint = fmt.Sprintf("did you mean %q?", c)
		}
	}
}

func (r *rule) isList() bool {
	return slices.ContainsFunc(r.alternatives(), func(arm *rule) bool { return arm.list != nil })
}

// hintFor shows how such a value is written, from the definition's comment.
func hintFor(r *rule) string {
	if r == nil || r.words() != nil {
		return ""
	}
	for _, arm := range append([]*rule{r}, r.alternatives()...) {
		if arm.def == "#Name" { // its comment explains addresses
			return "write letters, digits, _, . and -, the first a letter or a digit"
		}
		if arm.def != "" && arm.doc != "" && arm.open == nil {
			_, how, ok := strings.Cut(arm.doc, ": ")
			if !ok {
				return ""
			}
			return "write " + strings.Join(strings.Fields(strings.TrimSuffix(how, ".\n")), " ")
		}
	}
	return ""
}

// relative writes a path as seen from its object; outside of objects it stays
// whole.
func (p problems) relative(path []string, a schema.Address) string {
	k, ok := schema.KindOf(a.Kind)
	switch {
	case !ok:
		return schema.JoinPath(path...)
	case k.Flat:
		return "it"
	}
	return schema.JoinPath(namesOnly(path[2:])...)
}

// ruleAt is the rule of a CUE path that starts at the root, or nil.
func ruleAt(path []string) *rule {
	if len(path) == 0 || !slices.Contains(schema.Roots(), path[0]) {
		return nil
	}
	return schemaRules().of(path[0]).at(path[1:])
}

// addressOf finds the object that a CUE path lies in.
func addressOf(path []string) schema.Address {
	if len(path) < 2 {
		return schema.Address{}
	}
	k, ok := schema.KindOf(path[0])
	switch {
	case !ok:
		return schema.Address{}
	case k.Flat:
		return schema.Address{Kind: k.Name, Name: k.Key(path[1:])}
	}
	return schema.Address{Kind: k.Name, Name: path[1]}
}
