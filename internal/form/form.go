// Package form reads YAML that people write about environments: workspace tools as
// Domino's form takes them, and the files that administrators keep whole environments in.
// It is strict: what it does not know is a fault with its place in the text, and nothing
// is guessed. It refuses anchors, several documents and keys that stand twice.
//
// It is pure. The compiler reads tools with it, the engine imports files with it.
package form

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"domctl.dev/schema"
)

// Most is how large a text may be, bytes.
const Most = 1 << 20

// mostDeep is how deep values may lie within each other, mostFaults how many faults of
// one text are told.
const (
	mostDeep   = 20
	mostFaults = 50
)

// Fault is what is wrong with a text, and where: a byte from its beginning.
type Fault struct {
	Offset int
	Why    string
	// Foreign says that the text is about something else than what was to be read.
	Foreign bool
}

// Place is the line and the column, in bytes, of an offset; both from 1 on.
func Place(text string, offset int) (line, col int) {
	before := text[:min(max(offset, 0), len(text))]
	return 1 + strings.Count(before, "\n"), len(before) - strings.LastIndexByte(before, '\n')
}

// Tools reads workspace tools: what #Tool of the schema takes, by name, as decoded JSON,
// and where each part of it stands, by path. Nothing is answered where faults are.
func Tools(text string) (tools map[string]any, at map[string]int, faults []Fault) {
	r := &reader{text: text, at: map[string]int{}}
	root := r.document()
	plain := r.plain(root, nil, 0)
	if plain == nil && len(r.faults) == 0 {
		plain = map[string]any{}
	}
	if len(r.faults) == 0 {
		r.tools(plain, nil)
	}
	tools, _ = plain.(map[string]any)
	if len(r.faults) > 0 {
		return nil, nil, r.sorted()
	}
	return tools, r.at, nil
}

// reader reads one text.
type reader struct {
	text   string
	lines  []int          // offsets at which lines begin, as YAML counts them
	at     map[string]int // where keys and elements stand, by path
	faults []Fault
}

func (r *reader) fault(offset int, format string, args ...any) {
	if len(r.faults) < mostFaults {
		r.faults = append(r.faults, Fault{Offset: offset, Why: fmt.Sprintf(format, args...)})
	}
}

func (r *reader) sorted() []Fault {
	slices.SortStableFunc(r.faults, func(a, b Fault) int { return a.Offset - b.Offset })
	return r.faults
}

// tools compares decoded tools that stand at a path with their shape.
func (r *reader) tools(plain any, path []string) {
	for _, f := range schema.ToolFaults(plain) {
		r.fault(r.at[schema.JoinPath(append(path[:len(path):len(path)], f.Path...)...)], "%s", strings.TrimSpace(f.String()))
	}
}

// document is the only one of the text; nil where there is none.
func (r *reader) document() *yaml.Node {
	switch {
	case len(r.text) > Most:
		r.fault(0, "holds more than %d KiB", Most>>10)
		return nil
	case !utf8.ValidString(r.text):
		r.fault(0, "is no text in UTF-8")
		return nil
	}
	r.lines = linesOf(r.text)
	d := yaml.NewDecoder(bytes.NewReader([]byte(r.text)))
	var doc, more yaml.Node
	if err := decode(d, &doc); err != nil {
		if !errors.Is(err, io.EOF) {
			r.malformed(err)
		}
		return nil
	}
	if err := decode(d, &more); err == nil {
		r.fault(r.offset(&more), "is a second document; one file holds one")
		return nil
	} else if !errors.Is(err, io.EOF) {
		r.malformed(err)
		return nil
	}
	if len(doc.Content) != 1 {
		return nil
	}
	return doc.Content[0]
}

// decode is Decode for a node; the library panics on some texts.
func decode(d *yaml.Decoder, into *yaml.Node) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("yaml: it cannot be read")
		}
	}()
	return d.Decode(into)
}

var yamlLine = regexp.MustCompile(`^(?:yaml: )?line (\d+): `)

// malformed takes the place out of what the library says.
func (r *reader) malformed(err error) {
	text, offset := strings.TrimPrefix(err.Error(), "yaml: "), 0
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		n, _ := strconv.Atoi(m[1])
		offset, text = r.lines[min(max(n, 1), len(r.lines))-1], text[len(m[0]):]
	}
	r.fault(offset, "is no YAML: %s", text)
}

// linesOf counts lines as YAML does.
func linesOf(text string) []int {
	lines := []int{0}
	for i, c := range text {
		switch {
		case c == '\r' && strings.HasPrefix(text[i+1:], "\n"):
		case c == '\n', c == '\r', c == '\u0085', c == '\u2028', c == '\u2029':
			lines = append(lines, i+utf8.RuneLen(c))
		}
	}
	return lines
}

// offset is where a node begins; its column counts characters.
func (r *reader) offset(n *yaml.Node) int {
	at := r.lines[min(max(n.Line, 1), len(r.lines))-1]
	if at == 0 && strings.HasPrefix(r.text, "\ufeff") {
		at = len("\ufeff")
	}
	for range n.Column - 1 {
		if at >= len(r.text) {
			break
		}
		_, size := utf8.DecodeRuneInString(r.text[at:])
		at += size
	}
	return min(at, len(r.text))
}

// plain is a node as decoded JSON. Where its parts stand is noted by path.
func (r *reader) plain(n *yaml.Node, path []string, deep int) any {
	if n == nil {
		return nil
	}
	at := r.offset(n)
	if _, keyed := r.at[schema.JoinPath(path...)]; !keyed {
		r.at[schema.JoinPath(path...)] = at
	}
	switch {
	case deep > mostDeep:
		r.fault(at, "lies deeper than %d values within each other", mostDeep)
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.fault(at, "is an anchor, or refers to one; write out what is meant")
	case n.Kind == yaml.MappingNode && standard(n):
		return r.mapping(n, path, deep)
	case n.Kind == yaml.SequenceNode && standard(n):
		list := make([]any, len(n.Content))
		for i, e := range n.Content {
			list[i] = r.plain(e, append(path[:len(path):len(path)], strconv.Itoa(i)), deep+1)
		}
		return list
	case n.Kind == yaml.ScalarNode:
		return r.scalar(n, at)
	default:
		r.fault(at, "has the tag %s, which nothing here takes", n.Tag)
	}
	return nil
}

// standard says that a mapping or a list has no tag of somebody's own.
func standard(n *yaml.Node) bool { return n.Tag == "!!map" || n.Tag == "!!seq" || n.Tag == "" }

func (r *reader) mapping(n *yaml.Node, path []string, deep int) map[string]any {
	out := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		at := r.offset(key)
		switch _, twice := out[key.Value]; {
		case key.Kind != yaml.ScalarNode || key.Anchor != "" || key.Tag == "!!merge" || key.Tag == "!!null":
			r.fault(at, "is no plain key")
			continue
		case twice:
			r.fault(at, "the key %s stands twice", schema.JoinPath(key.Value))
			continue
		}
		below := append(path[:len(path):len(path)], key.Value)
		r.at[schema.JoinPath(below...)] = at
		out[key.Value] = r.plain(value, below, deep+1)
	}
	return out
}

// scalar is text, a number, a truth value or nothing. What YAML 1.1 took for a truth
// value ("yes", "on") is text, as for Domino.
func (r *reader) scalar(n *yaml.Node, at int) any {
	switch n.ShortTag() {
	case "!!str", "!!timestamp":
		return n.Value
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		var i int64
		if err := n.Decode(&i); err != nil {
			r.fault(at, "is more than 64 bits hold")
		}
		return i
	case "!!float":
		var f float64
		if err := n.Decode(&f); err != nil || f != f || f-f != 0 {
			r.fault(at, "is no number")
			return nil
		}
		return f
	}
	r.fault(at, "has the tag %s, which nothing here takes", n.ShortTag())
	return nil
}
