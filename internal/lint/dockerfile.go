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
)

// dockerfile is a text of instructions as BuildKit reads it.
type dockerfile struct {
	text         string
	lines        []int // offsets at which lines begin, and the end
	instructions []*instruction
	wrong        []mistake // what the parser refuses
}

// mistake is an instruction that cannot be read.
type mistake struct {
	at  int
	why string
}

// instruction is one of them, with each byte of its joined line known by its place.
type instruction struct {
	node   *parser.Node
	name   string // in lower case
	at     int    // where it begins
	line   string // continued lines joined, comments left out
	places []int  // for each byte of line, and its end; nil where it cannot be told
	parsed any    // BuildKit's own type for it
	fault  error  // what BuildKit says of its arguments
	shell  *script
}

// What a line ends with that goes on, as the parser has it; true: after escape=`.
var continuedBy = map[bool]*regexp.Regexp{
	false: regexp.MustCompile(`([^\\])\\[ \t]*$|^\\[ \t]*$`),
	true:  regexp.MustCompile("([^`])`[ \t]*$|^`[ \t]*$"),
}

var (
	aShell  = regexp.MustCompile(`(^|/)(ba|da|z|k)?sh$`)
	shebang = regexp.MustCompile(`^#!.*\b(ba|da|z|k)?sh\b`)
)

// most times that a text is read again without what was refused.
const mostMistakes = 20

// readDockerfile parses as much as can be parsed: what the parser refuses is left out and
// the rest read again. A variable that is declared may be named without a value.
func readDockerfile(text string, declared func(string) bool) (d dockerfile) {
	d.text = text
	for i := range len(text) + 1 {
		if i == 0 || text[i-1] == '\n' {
			d.lines = append(d.lines, i)
		}
	}
	d.lines = append(d.lines, len(text))
	if strings.TrimSpace(text) == "" {
		return d
	}
	rest := text
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
	posix := true // the shell, as far as SHELL says
	for _, n := range result.AST.Children {
		i := &instruction{node: n, name: strings.ToLower(n.Value), at: d.start(n.StartLine)}
		if line, places := d.joined(n, result.EscapeToken); line == n.Original {
			i.line, i.places = line, places
		} else {
			i.line = n.Original
		}
		if _, known := command.Commands[i.name]; known && i.name != command.From {
			i.parsed, i.fault = instructions.ParseInstruction(n)
		}
		if i.name == command.Shell && n.Next != nil {
			posix = aShell.MatchString(n.Next.Value)
		}
		if i.name == command.Run && posix && n.Next != nil && !n.Attributes["json"] {
			i.shell = d.script(i)
		}
		d.instructions = append(d.instructions, i)
	}
}

// joined puts the lines of an instruction together as the parser does.
func (d *dockerfile) joined(n *parser.Node, escape rune) (line string, places []int) {
	continued := continuedBy[escape == '`']
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
		more := continued.FindStringIndex(text)
		if more != nil {
			text = text[:max(more[0], strings.LastIndex(text, string(escape)))]
		}
		for j := range len(text) {
			places = append(places, from+j)
		}
		b.WriteString(text)
		end = from + len(text)
		if more == nil {
			break
		}
	}
	return b.String(), append(places, end)
}

// place is where a byte of the joined line stands.
func (i *instruction) place(of int) int {
	if i.places == nil || of < 0 || of >= len(i.places) {
		return i.at
	}
	return i.places[of]
}

// find is where a word of the arguments stands.
func (i *instruction) find(word string) int {
	skip := len(i.node.Value)
	if at := strings.Index(i.line[min(skip, len(i.line)):], word); at >= 0 && word != "" {
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
	trimmed := strings.TrimRightFunc(i.line, unicode.IsSpace)
	if !strings.HasSuffix(trimmed, args) {
		return nil
	}
	from := len(trimmed) - len(args)
	text, places := args, i.places
	if places != nil {
		places = places[from : len(trimmed)+1]
	}
	if len(i.node.Heredocs) == 0 {
		s := readShell("dockerfile", text, places)
		return &s
	}
	return d.heredoc(i, text, places)
}

// heredoc reads the lines below RUN: as the script, where the line is nothing but their
// mark, else as what its shell reads.
func (d *dockerfile) heredoc(i *instruction, text string, places []int) *script {
	if places == nil {
		return nil
	}
	below, _ := slices.BinarySearch(d.lines, places[len(places)-1])
	last := d.lines[min(i.node.EndLine, len(d.lines)-1)]
	if below >= len(d.lines) {
		return nil
	}
	from := min(d.lines[below], last)
	if h := i.node.Heredocs[0]; len(i.node.Heredocs) == 1 && parser.MustParseHeredoc(text) != nil {
		if strings.HasPrefix(h.Content, "#!") && !shebang.MatchString(h.Content) {
			return nil // of another language
		}
		if !strings.HasPrefix(d.text[from:last], h.Content) {
			return nil
		}
		s := readShell("dockerfile", h.Content, span(from, len(h.Content)))
		return &s
	}
	whole := text + "\n" + d.text[from:last]
	s := readShell("dockerfile", whole, append(slices.Clone(places), span(from, last-from)...))
	return &s
}

// span is a run of places, and its end.
func span(from, length int) []int {
	places := make([]int, length+1)
	for i := range places {
		places[i] = from + i
	}
	return places
}
