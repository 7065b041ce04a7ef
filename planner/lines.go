package planner

import (
	"bytes"
	"fmt"
	"math"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"domctl.dev/schema"
)

// How many lines of one field are shown: of a diff, and of text that is new or
// goes as a whole, which stands in the files or stood outside.
const mostLines, fewLines = 12, 4

func isText(v schema.Value) bool { return v.Is == schema.Known && strings.HasPrefix(v.Text, `"`) }

// breaks are where the newlines of a text stand in its JSON, so that text of
// which little is shown need not be read as a whole. One at its end is none.
func breaks(v schema.Value) (at []int) {
	if !isText(v) {
		return nil
	}
	text := strings.TrimSuffix(v.Text, `\n"`)
	for i := 0; ; i += len(`\n`) {
		next := strings.IndexByte(text[i:], '\\')
		i += next
		if next < 0 || i == len(text)-1 {
			return at
		}
		if text[i+1] == 'n' {
			at = append(at, i)
		}
	}
}

// showLines writes a field of which a side is long in lines: how much of it
// changes, then the first lines that do, those of text on both sides as a diff.
func (d Diff) showLines(b *bytes.Buffer, a Action, before, after []int, style Style) {
	if isText(d.Before) && isText(d.After) {
		lines := diffLines(d.Before.Str(), d.After.Str())
		added, removed := 0, 0
		for _, line := range lines {
			added, removed = added+count(line, '+'), removed+count(line, '-')
		}
		fmt.Fprintf(b, "%s added, %d removed\n", Plural(added, "line"), removed)
		writeLines(b, lines[:min(len(lines), style.most(mostLines))], len(lines), style)
		return
	}
	if a != ActionCreate {
		write(b, style.extent(d.Before, before), " → ")
	}
	write(b, style.extent(d.After, after), "\n")
	whole, at, sign := d.After, after, "+"
	if len(after) == 0 {
		whole, at, sign = d.Before, before, "-"
	}
	if few := style.most(fewLines); len(at) >= few {
		whole.Text = whole.Text[:at[few-1]] + `"`
	}
	lines := strings.Split(strings.TrimSuffix(whole.Str(), "\n"), "\n")
	for i := range lines {
		lines[i] = sign + lines[i]
	}
	writeLines(b, lines, len(at)+1, style)
}

func count(line string, sign byte) int {
	if line[0] == sign {
		return 1
	}
	return 0
}

// most is how many lines of a field are shown.
func (s Style) most(usual int) int {
	if s.whole {
		return math.MaxInt
	}
	return usual
}

// extent is a value in one line, text of several lines by their number.
func (s Style) extent(v schema.Value, breaks []int) string {
	if len(breaks) > 0 {
		return Plural(len(breaks)+1, "line")
	}
	return s.oneLine(v)
}

// diffLines is a unified diff without its heading. Most texts in files end
// without a newline, which is no news when both do.
func diffLines(before, after string) []string {
	if !strings.HasSuffix(before, "\n") && !strings.HasSuffix(after, "\n") {
		before, after = before+"\n", after+"\n"
	}
	text := string(diff.Diff("", []byte(before), "", []byte(after)))
	if text == "" { // they are alike, in a plan that somebody wrote by hand
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")[3:]
}

// writeLines writes lines, each with its sign, and how many of all are left out.
func writeLines(b *bytes.Buffer, lines []string, all int, style Style) {
	for _, line := range lines {
		text := line[:1] + style.clip(strings.ReplaceAll(line[1:], "\t", "    "))
		if line[0] != '@' && line[0] != '\\' {
			text = text[:1] + " " + text[1:]
		}
		write(b, "      ", style.paint(lineColour(line[0]), strings.TrimRight(text, " ")), "\n")
	}
	if left := all - len(lines); left > 0 {
		fmt.Fprintf(b, "        … %s; --format json has all\n", Plural(left, "more line"))
	}
}

func lineColour(sign byte) string {
	switch sign {
	case '+':
		return "32"
	case '-':
		return "31"
	case '@':
		return "36"
	}
	return ""
}

// Lines are a field's text where a side of it has several lines: each with its sign
// ('+', '-', ' ' or '@'), the text of both sides as a diff. nil: it fits into one line.
func (d Diff) Lines() []string {
	if len(breaks(d.Before))+len(breaks(d.After)) == 0 {
		return nil
	}
	if isText(d.Before) && isText(d.After) {
		return diffLines(d.Before.Str(), d.After.Str())
	}
	whole, sign := d.After, "+"
	if !isText(whole) {
		whole, sign = d.Before, "-"
	}
	var lines []string
	for line := range strings.Lines(whole.Str()) {
		lines = append(lines, sign+strings.TrimSuffix(line, "\n"))
	}
	return lines
}
