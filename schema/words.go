package schema

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"
)

// Nearest is the candidate that a mistyped word most likely meant, or "". Of several that
// are as near, the first.
func Nearest(word string, candidates []string) string {
	if all := AllNearest(word, candidates); len(all) > 0 {
		return all[0]
	}
	return ""
}

// AllNearest are the candidates that a mistyped word is nearest to, in order. Two letters
// that changed places are one mistake.
func AllNearest(word string, candidates []string) (best []string) {
	least := max(2, len(word)/3)
	for _, c := range slices.Sorted(slices.Values(candidates)) {
		d := mistakes(strings.ToLower(word), strings.ToLower(c))
		if d > least || d >= utf8.RuneCountInString(c) {
			continue
		}
		if d < least {
			best, least = nil, d
		}
		best = append(best, c)
	}
	return slices.Compact(best)
}

// mistakes is the edit distance of two words, which is 1 where two neighbours changed
// places.
func mistakes(a, b string) int {
	d := levenshtein.ComputeDistance(a, b)
	if d != 2 {
		return d
	}
	x, y := []rune(a), []rune(b)
	if len(x) != len(y) {
		return d
	}
	for i := range len(x) - 1 {
		if x[i] != y[i] {
			if x[i] == y[i+1] && x[i+1] == y[i] {
				return 1
			}
			return d
		}
	}
	return d
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
