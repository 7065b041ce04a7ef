package compiler

import (
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"cuelang.org/go/cue/ast"
	"cuelang.org/go/cue/literal"
	"cuelang.org/go/cue/parser"
	"cuelang.org/go/cue/token"

	"domctl.dev/schema"
)

// texts finds where a byte of a stated text stands: inside the literal of CUE, or in
// the file that is embedded. It parses a file the first time that something in it is
// asked for, since most files have nothing to be told of.
type texts struct {
	read  func(name string) string // a file by its path relative to the deployment's folder
	files []string                 // all that were read
	known map[string]*written
	spans map[spoken]span
}

// spoken is a text and the place that states it.
type spoken struct {
	at   schema.Position
	text string
}

// written is one parsed file.
type written struct {
	text     string
	lines    []int // offsets at which lines begin
	values   map[schema.Position]ast.Expr
	embeds   map[schema.Position]string // what @embed says of a field
	literals []*ast.BasicLit
}

// span is a piece of a file, in bytes from its beginning.
type span struct {
	file    *written
	name    string
	at      []int  // for each byte of the text, and its end, where it is written; nil: as it is
	literal [2]int // where a literal begins and ends; of a file, its text without the mark
}

func newTexts(read func(string) string, files []string) *texts {
	return &texts{read, files, map[string]*written{}, map[spoken]span{}}
}

// At is where the byte at an offset of a field's text stands. It is false, and the
// position is the field's, where the text is made by an expression.
func (x *texts) At(o schema.Object, path string, offset int) (schema.Position, bool) {
	text := o.Fields[path].Str()
	if s, ok := x.spanOf(o.Positions(path), text); ok && offset >= 0 && offset <= len(text) {
		return s.position(offset), true
	}
	if at := o.Positions(path); len(at) > 0 {
		return at[0], false
	}
	return schema.Position{}, false
}

// spanOf finds what a text is written as: the literal at one of the places that state
// it, an embedded file, else any literal of these files that says the same.
func (x *texts) spanOf(at []schema.Position, text string) (span, bool) {
	if len(at) == 0 {
		return span{}, false
	}
	key := spoken{at[0], text}
	s, known := x.spans[key]
	if !known {
		s, _ = x.look(at, text)
		x.spans[key] = s
	}
	return s, s.file != nil
}

func (x *texts) look(at []schema.Position, text string) (s span, ok bool) {
	for _, p := range at {
		if s, ok = x.stated(p, text); ok {
			return s, true
		}
	}
	for _, p := range at {
		f := x.file(p.File)
		for _, lit := range f.literals {
			if s, ok = f.span(p.File, lit, text); ok {
				return s, true
			}
		}
	}
	return x.embedded(text, "", "")
}

func (x *texts) stated(p schema.Position, text string) (s span, ok bool) {
	f := x.file(p.File)
	if lit, is := f.values[p].(*ast.BasicLit); is {
		return f.span(p.File, lit, text)
	}
	if attribute, is := f.embeds[p]; is {
		return x.embedded(text, path.Dir(p.File), attribute)
	}
	return s, false
}

// embedded finds the file that holds just this text: the one that an attribute in a file
// of this folder names, else the only one.
func (x *texts) embedded(text, dir, attribute string) (s span, ok bool) {
	own := ""
	if parts := embedded.FindStringSubmatch(attribute); parts != nil {
		if own = parts[2]; strings.HasPrefix(own, `"`) {
			own, _ = literal.Unquote(own)
		}
		own = path.Join(dir, own)
	}
	n := 0
	for _, name := range x.files {
		if path.Ext(name) == ".cue" {
			continue
		}
		whole := x.file(name).text
		says, from := whole, 0
		if says != text { // CUE leaves out the mark of UTF-8
			says = strings.TrimPrefix(whole, "\ufeff")
			from = len(whole) - len(says)
		}
		if says != text {
			continue
		}
		s = span{file: x.file(name), name: name, literal: [2]int{from, len(whole)}}
		if n++; name == own {
			return s, true
		}
	}
	if n != 1 { // of several, nobody can tell which
		return span{}, false
	}
	return s, true
}

// file parses a file, once; what is no CUE has no literals.
func (x *texts) file(name string) *written {
	if f, ok := x.known[name]; ok {
		return f
	}
	f := &written{text: x.read(name), lines: []int{0}, values: map[schema.Position]ast.Expr{}, embeds: map[schema.Position]string{}}
	x.known[name] = f
	for i := range len(f.text) {
		if f.text[i] == '\n' {
			f.lines = append(f.lines, i+1)
		}
	}
	if path.Ext(name) != ".cue" {
		return f
	}
	parsed, err := parser.ParseFile(name, f.text)
	if err != nil {
		return f
	}
	place := func(p token.Pos) schema.Position {
		return schema.Position{File: name, Line: p.Line(), Col: p.Column()}
	}
	ast.Walk(parsed, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			f.values[place(n.Pos())] = n.Value
			for _, a := range n.Attrs {
				if strings.HasPrefix(a.Text, "@embed(") {
					f.embeds[place(n.Pos())] = a.Text
				}
			}
		case *ast.BasicLit:
			if n.Kind == token.STRING {
				f.literals = append(f.literals, n)
				f.values[place(n.Pos())] = n
			}
		}
		return true
	}, nil)
	return f
}

// span maps a literal, if the text is what it says.
func (f *written) span(name string, lit *ast.BasicLit, text string) (s span, ok bool) {
	if lit.Kind != token.STRING || len(lit.Value) < len(text) {
		return s, false
	}
	says, at := decoded(lit.Value)
	if says != text || at == nil {
		return s, false
	}
	return span{f, name, at, f.place(lit, at)}, true
}

// place turns offsets within a literal into those of the file: CUE leaves out carriage
// returns of literals of several lines. It answers where the literal begins and ends.
func (f *written) place(lit *ast.BasicLit, at []int) [2]int {
	from, i := lit.Pos().Offset(), 0
	raw := f.text[min(from, len(f.text)):]
	file, seen := make([]int, len(lit.Value)+1), 0
	for ; i < len(raw) && seen < len(lit.Value); i++ {
		if raw[i] == lit.Value[seen] {
			file[seen] = from + i
			seen++
		}
	}
	file[len(lit.Value)] = from + i
	for j, k := range at {
		at[j] = file[k]
	}
	return [2]int{from, from + i}
}

func (s span) offset(of int) int {
	if s.at == nil {
		return s.literal[0] + of
	}
	return s.at[of]
}

// position counts columns in bytes, as CUE does.
func (s span) position(of int) schema.Position {
	at := s.offset(of)
	line, exact := slices.BinarySearch(s.file.lines, at)
	if !exact {
		line--
	}
	return schema.Position{File: s.name, Line: line + 1, Col: at - s.file.lines[line] + 1}
}

// decoded reads a literal like literal.Unquote, and answers beside what it says where
// each byte of that, and the end, is written. The offsets are nil if it cannot tell.
func decoded(lit string) (says string, at []int) {
	q, start, end, err := literal.ParseQuotes(lit, lit)
	if err != nil {
		return "", nil
	}
	stop := len(lit) - end
	if q.IsMulti() {
		stop -= len(q.Whitespace()) + 1 // the last line, of quotes alone
	}
	d := unquoter{lit: lit, stop: stop, quotes: q, escape: `\` + strings.Repeat("#", strings.IndexAny(lit, `"'`))}
	for i := start; i < stop; {
		next, ok := d.one(i)
		if !ok {
			return "", nil
		}
		i = next
	}
	if want, err := literal.Unquote(lit); err != nil || want != string(d.says) {
		return "", nil
	}
	return string(d.says), append(d.at, max(stop, start))
}

type unquoter struct {
	lit, escape string
	stop        int
	quotes      literal.QuoteInfo
	says        []byte
	at          []int
}

func (d *unquoter) emit(i int, b ...byte) {
	for range b {
		d.at = append(d.at, i)
	}
	d.says = append(d.says, b...)
}

// line skips the indentation of a line that begins at i.
func (d *unquoter) line(i int) int {
	if strings.HasPrefix(d.lit[i:], d.quotes.Whitespace()) {
		return i + len(d.quotes.Whitespace())
	}
	return i
}

// one reads what stands at i, and answers where the next begins.
func (d *unquoter) one(i int) (int, bool) {
	switch {
	case d.lit[i] == '\r':
		return i + 1, true
	case d.lit[i] == '\n':
		d.emit(i, '\n')
		return d.line(i + 1), true
	case !strings.HasPrefix(d.lit[i:], d.escape):
		d.emit(i, d.lit[i])
		return i + 1, true
	}
	c := i + len(d.escape)
	if c >= d.stop {
		return 0, false
	}
	switch d.lit[c] {
	case '\r':
		return d.line(c + 2), c+1 < d.stop
	case '\n':
		return d.line(c + 1), true
	case 'u', 'U':
		return d.rune(i)
	}
	plain := strings.IndexByte(`abfnrtv/\'"`, d.lit[c])
	if plain < 0 {
		return 0, false
	}
	d.emit(i, "\a\b\f\n\r\t\v/\\'\""[plain])
	return c + 1, true
}

// rune reads \u and \U, of two halves too.
func (d *unquoter) rune(i int) (int, bool) {
	r, next, ok := d.hex(i)
	if ok && r >= 0xD800 && r < 0xDC00 {
		var low rune
		if low, next, ok = d.hex(next); ok {
			r = 0x10000 + (r-0xD800)<<10 + (low - 0xDC00)
		}
	}
	d.emit(i, utf8.AppendRune(nil, r)...)
	return next, ok
}

func (d *unquoter) hex(i int) (r rune, next int, ok bool) {
	c := i + len(d.escape)
	if c >= d.stop || !strings.HasPrefix(d.lit[i:], d.escape) {
		return 0, 0, false
	}
	next = c + 5
	if d.lit[c] == 'U' {
		next = c + 9
	}
	if next > d.stop {
		return 0, 0, false
	}
	for _, h := range []byte(d.lit[c+1 : next]) {
		digit := strings.IndexByte("0123456789abcdef", h|0x20)
		if h >= '0' && h <= '9' {
			digit = int(h - '0')
		}
		if digit < 0 {
			return 0, 0, false
		}
		r = r<<4 | rune(digit)
	}
	return r, next, true
}
