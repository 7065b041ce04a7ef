package lint

import (
	"bufio"
	"fmt"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// mostLine is how many bytes a line may have, without its end: BuildKit refuses a
// Dockerfile with a longer one, and its parser does not say where that stands.
const mostLine = bufio.MaxScanTokenSize - 1

// takeLong answers the text with short lines in the place of those that are too long, so
// that the rest can be read. The instruction that holds one is left out: see holdsLong.
func (d *dockerfile) takeLong() string {
	var rest strings.Builder
	taken := 0 // bytes of the text that rest stands for
	for i := range len(d.lines) - 1 {
		line := d.text[d.lines[i]:d.lines[i+1]]
		bare := strings.TrimSuffix(line, "\n")
		if len(bare) <= mostLine {
			continue
		}
		d.long = append(d.long, i+1)
		d.wrong = append(d.wrong, mistake{d.start(i + 1), fmt.Sprintf("a line of %d bytes, and there may be %d", len(bare), mostLine)})
		rest.WriteString(d.text[taken:d.lines[i]] + stub(bare) + newline(line))
		taken = d.lines[i+1]
	}
	return rest.String() + d.text[taken:]
}

// stub is a short line that begins, and goes on, as a long one does.
func stub(line string) string {
	word := strings.TrimLeft(line, " \t")
	if word == "" || word[0] == '#' {
		return "#"
	}
	if end := strings.IndexAny(word, " \t"); end >= 0 {
		word = word[:end]
	}
	const longest = 64 // of the words of a Dockerfile, and more
	if len(word) > longest {
		word = "x=x"
	}
	if line = strings.TrimRight(line, " \t\r"); strings.HasSuffix(line, `\`) || strings.HasSuffix(line, "`") {
		return word + " x=x " + line[len(line)-1:]
	}
	return word + " x=x"
}

// holdsLong says that a line of an instruction is too long, so that nothing can be said
// of the instruction but that.
func (d *dockerfile) holdsLong(n *parser.Node) bool {
	for _, line := range d.long {
		if n.StartLine <= line && line <= n.EndLine {
			return true
		}
	}
	return false
}
