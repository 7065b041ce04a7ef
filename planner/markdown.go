package planner

import (
	"bytes"
	"io"
	"math"
	"strings"
	"unicode/utf8"
)

// Markdown renders a plan for a pull request comment of any length; see Comment.
func (p Plan) Markdown(w io.Writer) error {
	_, err := io.WriteString(w, p.Comment(math.MaxInt, ""))
	return err
}

// block is a piece of a comment with a fence around it. All that comes from files,
// databases and clouds stands in fences and code spans, where no forge reads Markdown,
// HTML, mentions or commands, and no line of it begins at the margin but with a mark.
type block struct {
	heading, language string
	pieces            []*piece
}

// write adds the block as far as its pieces are shown.
func (s block) write(b *bytes.Buffer, fence string) {
	var body strings.Builder
	for _, p := range s.pieces {
		body.WriteString(p.text())
	}
	if body.Len() == 0 {
		return
	}
	write(b, s.heading, fence, s.language, "\n", body.String(), fence, "\n\n")
}

// frame is how many bytes the block takes beside its pieces.
func (s block) frame(fence string) int {
	return len(s.heading) + 2*len(fence) + len(s.language) + len("\n\n\n")
}

// mostTicks is how many backticks in a row stand as they are: a fence is longer than
// what it holds, and must stay short.
const mostTicks = 15

// fenced makes text that stands in a fence: every line printable, no long run of
// backticks.
func fenced(text string) string {
	run := strings.Repeat("`", mostTicks+1)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		line = Printable(strings.ToValidUTF8(line, "\uFFFD"))
		for strings.Contains(line, run) {
			line = strings.Replace(line, run, run[1:]+`\u0060`, 1)
		}
		lines[i] = line
	}
	return strings.Join(lines, "\n")
}

// fence is longer than any run of backticks in what it is put around.
func fence(blocks []block) string {
	f := "```"
	for _, s := range blocks {
		for _, p := range s.pieces {
			for strings.Contains(p.full, f) || strings.Contains(p.least, f) {
				f += "`"
			}
		}
	}
	return f
}

// Code is a text of somebody else's in Markdown: no forge reads anything in it.
func Code(s string) string { return code(s, 200) }

// code is a name in a code span, of at most so many bytes.
func code(s string, most int) string {
	s = strings.ReplaceAll(Printable(strings.ToValidUTF8(s, "\uFFFD")), "`", "'")
	if len(s) > most {
		for most -= len("…"); !utf8.RuneStart(s[most]); most-- {
		}
		s = s[:most] + "…"
	}
	if strings.TrimSpace(s) == "" {
		s = "?"
	}
	return "`" + s + "`"
}
