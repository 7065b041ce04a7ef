package lint

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/command"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"mvdan.cc/sh/v3/syntax"
)

// dockerfile is a text of instructions as BuildKit reads it.
type dockerfile struct {
	text         string
	shell        *syntax.Parser // nil: scripts are not read
	lines        []int          // offsets at which lines begin, and the end
	escape       byte           // what continues a line
	instructions []*instruction
	plain        []int     // where instructions begin that nothing is to be told of
	long         []int     // lines, from 1, of more bytes than are read
	readAll      bool      // plain ones too, which a test compares
	wrong        []mistake // what the parser refuses
}

// mistake is an instruction that cannot be read.
type mistake struct {
	at  int
	why string
}

// instruction is one of them.
type instruction struct {
	in     *dockerfile
	node   *parser.Node
	name   string // in lower case
	at     int    // where it begins
	places []int  // see placed
	asked  bool
	parsed any   // BuildKit's own type for it
	fault  error // what BuildKit says of its arguments
	shell  *script
}

var (
	aShell  = regexp.MustCompile(`(^|/)(ba|da|z|k)?sh$`)
	shebang = regexp.MustCompile(`^#!.*\b(ba|da|z|k)?sh\b`)
)

// most times that a text is read again without what was refused.
const mostMistakes = 20

// readDockerfile parses as much as can be parsed: what the parser refuses is left out and
// the rest read again. A variable that is declared may be named without a value.
func readDockerfile(shell *syntax.Parser, text string, declared func(string) bool, all bool) *dockerfile {
	d := &dockerfile{text: text, shell: shell, readAll: all}
	for i := range len(text) + 1 {
		if i == 0 || text[i-1] == '\n' {
			d.lines = append(d.lines, i)
		}
	}
	d.lines = append(d.lines, len(text))
	if strings.TrimSpace(text) == "" {
		return d
	}
	if m, found := tooDeep(text); found {
		d.wrong = append(d.wrong, m)
		return d
	}
	rest := d.takeLong()
	if d.long == nil {
		rest = d.takePlain()
	}
	for range mostMistakes {
		result, err := parser.Parse(strings.NewReader(rest))
		if err == nil {
			d.take(result)
			return d
		}
		var place *parser.LocationError
		if !errors.As(err, &place) || len(place.Locations) == 0 || len(place.Locations[0]) == 0 {
			d.wrong = append(d.wrong, mistake{0, err.Error()})
			return d
		}
		from, to := place.Locations[0][0].Start.Line, place.Locations[0][len(place.Locations[0])-1].Start.Line
		if strings.Contains(err.Error(), "file with no instructions") {
			return d
		}
		first := d.start(from)
		if !valueless(text[first:d.lines[min(to, len(d.lines)-1)]], declared) {
			d.wrong = append(d.wrong, mistake{first, err.Error()})
		}
		rest = d.blank(rest, from, to)
	}
	return d
}

// start is the offset of the first word at or after a line, which counts from 1.
func (d *dockerfile) start(line int) int {
	at := d.lines[min(max(line, 1), len(d.lines))-1]
	rest := d.text[at:]
	return at + len(rest) - len(strings.TrimLeftFunc(rest, unicode.IsSpace))
}

// blank makes comments of lines, so that the others keep their numbers.
func (d *dockerfile) blank(text string, from, to int) string {
	lines := strings.SplitAfter(text, "\n")
	for i := max(from, 1) - 1; i < min(max(from, to), len(lines)); i++ {
		end := strings.TrimLeft(lines[i], " \t")
		lines[i] = "#" + strings.Repeat(" ", max(0, len(lines[i])-1-len(newline(end)))) + newline(end)
	}
	return strings.Join(lines, "")
}

func newline(line string) string {
	if strings.HasSuffix(line, "\n") {
		return "\n"
	}
	return ""
}

// valueless says that an instruction is ENV with the name of a declared variable.
func valueless(text string, declared func(string) bool) bool {
	words := strings.Fields(text)
	return len(words) == 2 && strings.EqualFold(words[0], "ENV") && declared(words[1])
}

func (d *dockerfile) take(result *parser.Result) {
	d.escape = byte(result.EscapeToken)
	d.instructions = make([]*instruction, 0, len(result.AST.Children))
	posix := true // the shell, as far as SHELL says
	for _, n := range result.AST.Children {
		if d.holdsLong(n) {
			continue
		}
		i := &instruction{in: d, node: n, name: strings.ToLower(n.Value), at: d.start(n.StartLine)}
		plain := i.name == command.Run && len(n.Flags) == 0 && n.Next != nil // nothing is left to refuse
		if _, known := command.Commands[i.name]; known && i.name != command.From && !plain {
			if i.parsed, i.fault = instructions.ParseInstruction(n); i.fault != nil {
				i.parsed = nil // which is a nil of some type until then
			}
		}
		if i.name == command.Shell && n.Next != nil {
			posix = aShell.MatchString(n.Next.Value)
		}
		if d.shell != nil && i.name == command.Run && posix && n.Next != nil && !n.Attributes["json"] {
			i.shell = d.script(i)
		}
		d.instructions = append(d.instructions, i)
	}
}

// joined puts the lines of an instruction together as the parser does, each byte with
// its place, and the end.
func (d *dockerfile) joined(n *parser.Node) (line string, places []int) {
	var b strings.Builder
	end := 0
	for i := n.StartLine; i <= n.EndLine && i < len(d.lines); i++ {
		from, to := d.lines[i-1], d.lines[i]
		text := strings.TrimRight(d.text[from:to], "\r\n")
		if i == 1 {
			bare := strings.TrimPrefix(text, "\ufeff")
			from, text = from+len(text)-len(bare), bare
		}
		bare := strings.TrimLeftFunc(text, unicode.IsSpace)
		if i > n.StartLine && (bare == "" || bare[0] == '#') {
			continue
		}
		if i == n.StartLine {
			from, text = from+len(text)-len(bare), bare
		}
		text, more := d.continued(text)
		for j := range len(text) {
			places = append(places, from+j)
		}
		b.WriteString(text)
		end = from + len(text)
		if !more {
			break
		}
	}
	return b.String(), append(places, end)
}

// continued takes off what says that a line goes on: the escape, unless another is before
// it, and blanks.
func (d *dockerfile) continued(text string) (string, bool) {
	bare := strings.TrimRight(text, " \t")
	last := len(bare) - 1
	if last < 0 || bare[last] != d.escape || last > 0 && bare[last-1] == d.escape {
		return text, false
	}
	return bare[:last], true
}

// placed says for each byte of the joined line, and its end, where it stands; nil where
// that cannot be told. Few are asked.
func (i *instruction) placed() []int {
	if !i.asked {
		i.asked = true
		if line, places := i.in.joined(i.node); line == i.node.Original {
			i.places = places
		}
	}
	return i.places
}

// place is where a byte of the joined line stands.
func (i *instruction) place(of int) int {
	if places := i.placed(); of >= 0 && of < len(places) {
		return places[of]
	}
	return i.at
}

// find is where a word of the arguments stands.
func (i *instruction) find(word string) int {
	skip := len(i.node.Value)
	if at := strings.Index(i.node.Original[min(skip, len(i.node.Original)):], word); at >= 0 && word != "" {
		return i.place(skip + at)
	}
	return i.at
}

// args are the arguments in order.
func (i *instruction) args() (args []string) {
	for n := i.node.Next; n != nil; n = n.Next {
		args = append(args, n.Value)
	}
	return args
}

// script is what RUN has a shell do.
func (d *dockerfile) script(i *instruction) *script {
	args := i.node.Next.Value
	trimmed := strings.TrimRightFunc(i.node.Original, unicode.IsSpace)
	if !strings.HasSuffix(trimmed, args) {
		return nil
	}
	if len(i.node.Heredocs) > 0 {
		return d.heredoc(i, args)
	}
	from := len(trimmed) - len(args)
	s := readShell(d.shell, "dockerfile", args)
	s.place = func(of int) int { return i.place(from + of) }
	return s
}

// heredoc reads the lines below RUN: as the script, where the line is nothing but their
// mark, else as what its shell reads.
func (d *dockerfile) heredoc(i *instruction, args string) *script {
	places := i.placed()
	if places == nil {
		return nil
	}
	below, _ := slices.BinarySearch(d.lines, places[len(places)-1])
	last := d.lines[min(i.node.EndLine, len(d.lines)-1)]
	if below >= len(d.lines) {
		return nil
	}
	from := min(d.lines[below], last)
	if h := i.node.Heredocs[0]; len(i.node.Heredocs) == 1 && parser.MustParseHeredoc(args) != nil {
		if strings.HasPrefix(h.Content, "#!") && !shebang.MatchString(h.Content) || !strings.HasPrefix(d.text[from:last], h.Content) {
			return nil // of another language
		}
		s := readShell(d.shell, "dockerfile", h.Content)
		s.place = func(of int) int { return from + min(of, len(h.Content)) }
		return s
	}
	s := readShell(d.shell, "dockerfile", args+"\n"+d.text[from:last])
	s.place = func(of int) int {
		if of <= len(args) {
			return i.place(len(strings.TrimRightFunc(i.node.Original, unicode.IsSpace)) - len(args) + of)
		}
		return min(from+of-len(args)-1, last)
	}
	return s
}
