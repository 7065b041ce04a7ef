package compiler

import (
	"regexp"
	"strconv"
	"strings"

	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/literal"
)

// stumble is a hint where CUE's parser stops: at a name or a value that stands in
// quotes in CUE, and in no other format. "" is none. Values are not shown, for one
// may be a secret, unless they are numbers with a unit.
func (p problems) stumble(e errors.Error) string {
	at := e.Position()
	text := p.tree.textOf(at.Filename())
	if !at.IsValid() || at.Offset() > len(text) {
		return ""
	}
	before := regexp.MustCompile(`[\w./-]*$`).FindString(text[:at.Offset()])
	after := regexp.MustCompile(`^[\w./-]*`).FindString(text[at.Offset():])
	whole := before + after
	leads, isName := text[:at.Offset()-len(before)], regexp.MustCompile(`^[ \t]*:`).MatchString(text[at.Offset()+len(after):])
	isValue := regexp.MustCompile(`:[ \t]*$`).MatchString(leads)
	switch {
	case before == "" && isName:
		return "a comma stands between two fields on one line"
	case before == "" && !isValue:
		return ""
	case isName && !strings.Contains(whole, "/"):
		return "such a name stands in quotes: " + strconv.Quote(whole)
	case isValue && regexp.MustCompile(`^\d+(\.\d+)?[A-Za-z]{1,3}$`).MatchString(whole):
		return "text stands in quotes: " + strconv.Quote(whole)
	case isValue:
		return "text stands in quotes"
	}
	return ""
}

// inQuotes is a hint for a number that should be text.
func (r *rule) inQuotes(value string) string {
	if _, err := strconv.ParseFloat(value, 64); err == nil && r.takes(value) {
		return "write it in quotes: " + strconv.Quote(value)
	}
	return ""
}

// truth is a hint for what other formats take for true and false.
func (r *rule) truth(word string) string {
	if text, err := literal.Unquote(word); err == nil {
		word = text
	}
	for want, words := range map[string]string{"true": "^(yes|on|y|True|TRUE|Yes|YES)$", "false": "^(no|off|n|False|FALSE|No|NO)$"} {
		if r.takes(want == "true") && regexp.MustCompile(words).MatchString(word) {
			return "write it as " + want
		}
	}
	return ""
}
