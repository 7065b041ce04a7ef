package compiler

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"domctl.dev/schema"
)

// oneOf quotes the words of an enumeration.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return schema.Listed(quoted, "or")
}

func lowerFirst(s string) string {
	r, size := utf8.DecodeRuneInString(s)
	return string(unicode.ToLower(r)) + s[size:]
}

func number(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

// clip shortens a value in a message.
func clip(s string) string {
	const most = 60
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most]) + "…"
}
