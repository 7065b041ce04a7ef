package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Nearest is the candidate that a mistyped word most likely meant, or "".
func Nearest(word string, candidates []string) string {
	best, least := "", 1+max(2, len(word)/3)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		d := levenshtein.ComputeDistance(strings.ToLower(word), strings.ToLower(c))
		if d < least && d < utf8.RuneCountInString(c) {
			best, least = c, d
		}
	}
	return best
}

// DidYouMean is a hint with the nearest candidate, else one that lists what is
// declared, as long as that is short.
func DidYouMean(word string, candidates []string) string {
	if c := Nearest(word, candidates); c != "" {
		return "did you mean " + strconv.Quote(c) + "?"
	}
	const short = 12
	if len(candidates) == 0 || len(candidates) > short {
		return ""
	}
	return "declared: " + Listed(slices.Sorted(slices.Values(candidates)), "and")
}

// Listed joins words as a sentence does: a, b and c.
func Listed(words []string, and string) string {
	last := len(words) - 1
	if last <= 0 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:last], ", ") + " " + and + " " + words[last]
}

// InOrder sorts places, each once.
func InOrder(at []Position) []Position {
	slices.SortFunc(at, Position.Compare)
	return slices.Compact(at)
}

// ShellWord quotes what a shell would not take as one word.
func ShellWord(s string) string {
	if regexp.MustCompile(`^[\w@%+=:,./][\w@%+=:,./-]*$`).MatchString(s) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
