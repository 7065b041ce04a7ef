package compiler

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/token"
)

// at walks down a path of field names and list indices. It is nil where no
// field of that name may stand.
func (r *rule) at(path []string) *rule {
	if len(path) == 0 || r == nil {
		return r
	}
	for _, arm := range r.alternatives() {
		if arm.list != nil {
			return arm.list.at(path[1:])
		}
		if arm.open != nil {
			if m := arm.open.member(path[0]); m != nil {
				return m.rule.at(path[1:])
			}
		}
	}
	return nil
}

// alternatives are the arms of a disjunction, else the rule alone.
func (r *rule) alternatives() []*rule {
	var flat []*rule
	for _, arm := range r.arms {
		flat = append(flat, arm.alternatives()...)
	}
	if r.arms == nil {
		return []*rule{r}
	}
	return flat
}

// object is the struct among the alternatives.
func (r *rule) object() *object {
	if r == nil {
		return nil
	}
	if r.open != nil {
		return r.open
	}
	for _, arm := range r.arms {
		if o := arm.object(); o != nil {
			return o
		}
	}
	return nil
}

func (o *object) member(name string) *member {
	if m, ok := o.byName[name]; ok {
		return m
	}
	for _, m := range o.patterns {
		if m.key.fits(name) {
			return m
		}
	}
	return nil
}

// names that may stand in the struct, patterns aside.
func (o *object) names() (names []string) {
	for _, m := range o.members {
		names = append(names, m.name)
	}
	return names
}

// words are the strings that an enumeration admits.
func (r *rule) words() (words []string) {
	if r == nil {
		return nil
	}
	for _, arm := range r.alternatives() {
		if s, ok := arm.is.(string); ok {
			words = append(words, s)
		}
	}
	return words
}

// fits says whether a plain value is surely admitted: a string, int64, float64,
// bool, nil, []any or map[string]any.
func (r *rule) fits(v any) bool {
	if r.arms != nil {
		return slices.ContainsFunc(r.arms, func(arm *rule) bool { return arm.fits(v) })
	}
	for _, each := range r.all {
		if !each.fits(v) {
			return false
		}
	}
	switch {
	case r.all != nil:
		return true
	case r.is != nil:
		return r.is == v
	case r.basic != "":
		return isBasic(r.basic, v)
	case r.bound != nil:
		return r.bound.fits(v)
	case r.list != nil:
		list, ok := v.([]any)
		return ok && !slices.ContainsFunc(list, func(e any) bool { return !r.list.fits(e) })
	case r.open != nil:
		fields, ok := v.(map[string]any)
		return ok && r.open.fits(fields)
	}
	return false
}

// takes is fits of a rule that may be nil.
func (r *rule) takes(v any) bool { return r != nil && r.fits(v) }

// mistyped finds the value that does not fit among two that disagree, where the
// other one is no more than a type: the user's own constraint, and beside the
// point. "" is none.
func (r *rule) mistyped(values []string) string {
	for i, value := range values {
		v, ok := plainly(value)
		if ok && r != nil && !r.fits(v) && slices.Contains([]string{"string", "number", "int", "float", "bool"}, values[1-i]) {
			return value
		}
	}
	return ""
}

// unquoted is a hint for a number or a truth in quotes.
func (r *rule) unquoted(value string) string {
	text, err := literal.Unquote(value)
	if v, ok := plainly(text); err == nil && ok && r.fits(v) {
		return "write it without quotes: " + text
	}
	return ""
}

// plainly reads a scalar as CUE prints it.
func plainly(s string) (v any, ok bool) {
	if text, err := literal.Unquote(s); err == nil {
		return text, true
	}
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return n, true
	}
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n, true
	}
	b, err := strconv.ParseBool(s)
	return b, err == nil && (s == "true" || s == "false")
}

func (o *object) fits(fields map[string]any) bool {
	for name, v := range fields {
		if m := o.member(name); m == nil || !m.rule.fits(v) {
			return false
		}
	}
	for _, m := range o.members {
		if _, ok := fields[m.name]; m.required && !ok {
			return false
		}
	}
	return true
}

func isBasic(name string, v any) (ok bool) {
	switch name {
	case "string":
		_, ok = v.(string)
	case "bool":
		_, ok = v.(bool)
	case "int":
		_, ok = v.(int64)
	case "number":
		_, whole := v.(int64)
		_, broken := v.(float64)
		ok = whole || broken
	case "null":
		ok = v == nil
	}
	return ok
}

func (b *bound) fits(v any) bool {
	switch x := v.(type) {
	case string:
		return b.fitsText(x)
	case int64:
		return b.fitsNumber(float64(x))
	case float64:
		return b.fitsNumber(x)
	}
	return false
}

func (b *bound) fitsText(s string) bool {
	switch b.op {
	case token.MAT:
		return b.match.MatchString(s)
	case token.NEQ:
		return s != b.text
	}
	return false
}

func (b *bound) fitsNumber(n float64) bool {
	switch b.op {
	case token.GEQ:
		return n >= b.number
	case token.GTR:
		return n > b.number
	case token.LEQ:
		return n <= b.number
	case token.LSS:
		return n < b.number
	}
	return false
}

// want says in words what a rule admits: "a number above 0", ""private" or
// "global"". null is left out: nobody means it by mistake.
func (r *rule) want() string {
	if r == nil {
		return ""
	}
	var wants []string
	if words := r.words(); words != nil {
		wants = append(wants, oneOf(words))
	}
	for _, arm := range r.alternatives() {
		if arm.is == nil && arm.basic != "null" {
			wants = append(wants, arm.noun())
		}
	}
	return strings.Join(wants, " or ")
}

// noun names what a rule without alternatives admits.
func (r *rule) noun() string {
	if subject, _, ok := strings.Cut(r.doc, ":"); ok && r.open == nil {
		return lowerFirst(subject)
	}
	switch {
	case r.all != nil:
		return strings.TrimSpace(r.all[0].noun() + " " + r.all[1].noun())
	case r.bound != nil:
		return r.bound.want()
	case r.list != nil:
		return "a list, each " + r.list.want()
	case r.def == "#SecretRef":
		return "{secret: …}"
	case r.open != nil && len(r.open.members) > 0:
		return "fields in braces, such as {" + r.open.members[0].name + ": …}"
	case r.open != nil:
		return "fields in braces"
	}
	return map[string]string{"string": "a string", "bool": "true or false", "int": "a whole number", "number": "a number"}[r.basic]
}

func (b *bound) want() string {
	words := map[token.Token]string{token.GEQ: "of at least ", token.GTR: "above ", token.LEQ: "of at most ", token.LSS: "below "}
	switch {
	case b.match != nil:
		return cmp.Or(patternWords(b.text), "a string like "+b.text)
	case b.op == token.NEQ:
		return "that is not empty"
	}
	return words[b.op] + number(b.number)
}
