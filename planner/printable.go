package planner

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"domctl.dev/schema"
)

// clip keeps the beginning of a line, printable.
func clip(s string) string {
	const most = 120 // runes; a rune takes at most 4 bytes
	if len(s) <= most && plainText(s) {
		return s
	}
	s = Printable(strings.ToValidUTF8(s[:min(len(s), 4*most)], ""))
	if r := []rune(s); len(r) > most {
		s = string(r[:most-3]) + "…"
	}
	return s
}

// plainText says that text is of ASCII letters and marks only.
func plainText(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] >= 0x7f {
			return false
		}
	}
	return true
}

// Printable writes control characters and direction marks as escapes, so that
// names and messages from outside cannot move a terminal's cursor or hide text.
func Printable(s string) string {
	if plainText(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp) {
			fmt.Fprintf(&b, "\\u%04x", r)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// LogLine is a line that somebody else's program wrote as it may be shown: harmless to a
// terminal, and nothing that a system which runs domctl takes for a command ("::error …",
// "##[error]…", "##vso[…"), wherever that reads our output.
// https://docs.github.com/actions/reference/workflow-commands-for-github-actions
// https://learn.microsoft.com/azure/devops/pipelines/scripts/logging-commands
func LogLine(s string) string {
	s = Printable(strings.ReplaceAll(s, "\t", "    "))
	if bare := strings.TrimLeftFunc(s, unicode.IsSpace); strings.HasPrefix(bare, "::") {
		s = s[:len(s)-len(bare)] + ": " + bare[1:]
	}
	if !strings.Contains(s, "##") {
		return s
	}
	return commandMark.ReplaceAllString(s, "# #$1[")
}

var commandMark = regexp.MustCompile(`##([A-Za-z]*)\[`)

// Plural counts things: "1 step", "2 steps".
func Plural[N int | int64](n N, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return strconv.FormatInt(int64(n), 10) + " " + what + "s"
}

// Few names the first of some addresses, in order, and counts the others.
func Few(all []schema.Address) string {
	const most = 5
	all = slices.SortedFunc(slices.Values(all), schema.Address.Compare)
	names := make([]string, 0, most)
	for _, a := range all[:min(len(all), most)] {
		names = append(names, a.String())
	}
	text := strings.Join(names, ", ")
	switch n := len(all) - most; {
	case n > 0:
		text += fmt.Sprintf(" and %d more", n)
	case text == "":
		text = "nothing"
	}
	return text
}
