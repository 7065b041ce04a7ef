package planner

import (
	"fmt"
	"strings"

	"github.com/rogpeppe/go-internal/diff"

	"domctl.dev/schema"
)

// How many lines of one field are shown: of a diff, and of text that is new or
// goes as a whole, which stands in the files or stood outside.
const mostLines, fewLines = 12, 4

// severalLines says of a value that it is text of more than one line. A newline
// at its end begins none.
func severalLines(v schema.Value) bool {
	i := strings.Index(v.Text, `\n`)
	switch {
	case i < 1 || v.Is != schema.Known || v.Text[0] != '"':
		return false
	case v.Text[i-1] != '\\' && i < len(v.Text)-len(`\n"`): // for sure, without reading it all
		return true
	}
	return strings.Contains(strings.TrimSuffix(v.Str(), "\n"), "\n")
}

// showLines writes text that is long in lines: how much of it changes, then the
// first lines that do, those of text on both sides as a diff.
func (d Diff) showLines(b *strings.Builder, a Action, style Style) {
	before, after := d.Before.Str(), d.After.Str()
	if before != "" && after != "" {
		lines := diffLines(before, after)
		added, removed := 0, 0
		for _, line := range lines {
			added, removed = added+count(line, '+'), removed+count(line, '-')
		}
		fmt.Fprintf(b, "%s added, %d removed\n", plural(int64(added), "line"), removed)
		writeLines(b, lines, mostLines, style)
		return
	}
	gone, made := wholeLines("-", before), wholeLines("+", after)
	if a != ActionCreate {
		b.WriteString(extent(d.Before, gone) + " → ")
	}
	b.WriteString(extent(d.After, made) + "\n")
	writeLines(b, append(gone, made...), fewLines, style)
}

func count(line string, sign byte) int {
	if line[0] == sign {
		return 1
	}
	return 0
}

// extent is a value in one line, text of several lines by their number.
func extent(v schema.Value, lines []string) string {
	if len(lines) > 1 {
		return plural(int64(len(lines)), "line")
	}
	return oneLine(v)
}

// wholeLines are all lines of text that stands on one side only, the first ones
// with their sign.
func wholeLines(sign, text string) []string {
	if text == "" {
		return nil
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i := range lines[:min(len(lines), fewLines)] {
		lines[i] = sign + lines[i]
	}
	return lines
}

// diffLines is a unified diff without its heading. Most texts in files end
// without a newline, which is no news when both do.
func diffLines(before, after string) []string {
	if !strings.HasSuffix(before, "\n") && !strings.HasSuffix(after, "\n") {
		before, after = before+"\n", after+"\n"
	}
	text := string(diff.Diff("", []byte(before), "", []byte(after)))
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")[3:]
}

// writeLines writes the first lines, each with its sign, and how many are left
// out.
func writeLines(b *strings.Builder, lines []string, most int, style Style) {
	colours := map[byte]string{'+': "32", '-': "31", '@': "36"}
	for _, line := range lines[:min(len(lines), most)] {
		text := clip(strings.ReplaceAll(line[1:], "\t", "    "))
		if line[0] == '+' || line[0] == '-' || line[0] == ' ' {
			text = " " + text
		}
		b.WriteString("      " + style.paint(colours[line[0]], strings.TrimRight(line[:1]+text, " ")) + "\n")
	}
	if left := len(lines) - most; left > 0 {
		fmt.Fprintf(b, "        … %s; --format json has all\n", plural(int64(left), "more line"))
	}
}
