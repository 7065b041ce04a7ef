package compiler

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// nearest is the candidate that a mistyped word most likely meant, or "".
func nearest(word string, candidates []string) string {
	best, least := "", 1+max(2, len(word)/3)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d < least && d < utf8.RuneCountInString(c) {
			best, least = c, d
		}
	}
	return best
}

// didYouMean is a hint with the nearest candidate, else one that lists what is
// declared, as long as that is short.
func didYouMean(word string, candidates []string) string {
	if c := nearest(word, candidates); c != "" {
		return "did you mean " + strconv.Quote(c) + "?"
	}
	const short = 12
	if len(candidates) == 0 || len(candidates) > short {
		return ""
	}
	return "declared: " + listed(slices.Sorted(slices.Values(candidates)), "and")
}

// listed joins words as a sentence does: a, b and c.
func listed(words []string, and string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + and + " " + words[last]
}

// oneOf quotes the words of an enumeration.
func oneOf(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return listed(quoted, "or")
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
