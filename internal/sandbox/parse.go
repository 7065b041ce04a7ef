package sandbox

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxDepth is MongoDB's own limit of nesting ("MongoDB Limits and Thresholds").
const maxDepth = 100

// FileError says where a sandbox file is malformed and how to go on. Line and
// Col count from 1; Col counts bytes.
type FileError struct {
	File      string
	Line, Col int
	Problem   string
}

func (e *FileError) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s; correct the file, or start afresh with domctl sandbox reset", e.File, e.Line, e.Col, e.Problem)
}

// parser reads JSON and remembers where it is.
type parser struct {
	file, src string
	i         int
	stack     []field // members of the values that are being read
	room      []field // where those of the next values will stand
}

// fieldText is about how many bytes of text a member takes.
const fieldText = 32

// pop takes the members above base off the stack. Values share large pieces of
// room: one allocation each would be half the time of reading a file.
func (p *parser) pop(base int) []field {
	n := len(p.stack) - base
	if n == 0 {
		return nil
	}
	if len(p.room) < n {
		p.room = make([]field, max(n, min(len(p.src)/fieldText, 512)))
	}
	kids := p.room[:n:n]
	p.room = p.room[n:]
	copy(kids, p.stack[base:])
	p.stack = p.stack[:base]
	return kids
}

func (p *parser) fail(at int, format string, args ...any) error {
	at = min(at, len(p.src))
	line := 1 + strings.Count(p.src[:at], "\n")
	col := at - strings.LastIndexByte(p.src[:at], '\n')
	return &FileError{p.file, line, col, fmt.Sprintf(format, args...)}
}

// next skips white space and peeks; 0 at the end.
func (p *parser) next() byte {
	for p.i < len(p.src) {
		switch c := p.src[p.i]; c {
		case ' ', '\t', '\r', '\n':
			p.i++
		default:
			return c
		}
	}
	return 0
}

func (p *parser) found() string {
	if p.next() == 0 {
		return "the end of the file"
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.i:])
	return fmt.Sprintf("%q", r)
}

func (p *parser) expect(c byte, what string) error {
	if p.next() != c {
		return p.fail(p.i, "expected %s, found %s", what, p.found())
	}
	p.i++
	return nil
}

// more steps to the next member of an object or an array, or past its end.
func (p *parser) more(end byte, first bool) (bool, error) {
	if p.next() == end {
		p.i++
		return false, nil
	}
	if first {
		return true, nil
	}
	if p.next() != ',' {
		return false, p.fail(p.i, `expected "," or "%c", found %s`, end, p.found())
	}
	p.i++
	p.next()
	return true, nil
}

// name reads a member's name and leaves the cursor on its value.
func (p *parser) name() (string, error) {
	p.next()
	token, err := p.str()
	if err == nil {
		err = p.expect(':', `":"`)
	}
	if err != nil {
		return "", err
	}
	p.next()
	return unquote(token), nil
}

// object reads {…} and calls each with the cursor on the member's value.
func (p *parser) object(each func(key string, at int) error) error {
	if err := p.expect('{', `"{"`); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := p.more('}', first)
		if err != nil || !more {
			return err
		}
		at := p.i
		key, err := p.name()
		if err == nil {
			err = each(key, at)
		}
		if err != nil {
			return err
		}
	}
}

// array reads […] and calls each with the cursor on the element.
func (p *parser) array(each func() error) error {
	if err := p.expect('[', `"["`); err != nil {
		return err
	}
	for first := true; ; first = false {
		more, err := p.more(']', first)
		if err == nil && more {
			err = each()
		}
		if err != nil || !more {
			return err
		}
	}
}

// str reads a string and gives it as canonical JSON, quotes included.
func (p *parser) str() (string, error) {
	start := p.i
	if err := p.expect('"', "a string in double quotes"); err != nil {
		return "", err
	}
	simple := true
	for ; p.i < len(p.src); p.i++ {
		switch c := p.src[p.i]; {
		case c == '"':
			p.i++
			return p.canonical(start, simple)
		case c == '\\':
			simple = false
			p.i++
		case c < ' ':
			return "", p.fail(p.i, "a string must not hold a line break or control character as it is; write \\n or \\u00%02x", c)
		case c >= utf8.RuneSelf:
			simple = false
		}
	}
	p.i = len(p.src)
	return "", p.fail(start, "the string has no closing quote")
}

func (p *parser) canonical(start int, simple bool) (string, error) {
	token := p.src[start:p.i]
	if simple {
		return token, nil
	}
	var s string
	if json.Unmarshal([]byte(token), &s) != nil || !utf8.ValidString(token) {
		return "", p.fail(start, "the string is not valid JSON in UTF-8")
	}
	return quote(s), nil
}

// word reads true, false or null.
func (p *parser) word() (string, error) {
	for _, w := range []string{"true", "false", "null"} {
		if strings.HasPrefix(p.src[p.i:], w) {
			p.i += len(w)
			return w, nil
		}
	}
	return "", p.fail(p.i, "expected a value, found %s", p.found())
}

// number reads a number token as RFC 8259 has it.
func (p *parser) number() (string, error) {
	start := p.i
	for p.i < len(p.src) && strings.IndexByte("+-.0123456789eE", p.src[p.i]) >= 0 {
		p.i++
	}
	token := p.src[start:p.i]
	if token == "" {
		return "", p.fail(start, "expected a value, found %s", p.found())
	}
	if !plainInteger(token) && !json.Valid([]byte(token)) {
		return "", p.fail(start, "%s is not a number in JSON", token)
	}
	return token, nil
}

// plainInteger is the common case, told without a decoder.
func plainInteger(token string) bool {
	for i := range len(token) {
		if token[i] < '0' || token[i] > '9' || token[0] == '0' && len(token) > 1 {
			return false
		}
	}
	return true
}

// skip passes over any value and gives its text.
func (p *parser) skip(depth int) (string, error) {
	c := p.next()
	start := p.i
	var err error
	switch {
	case depth > maxDepth:
		err = p.fail(start, "nested deeper than %d levels", maxDepth)
	case c == '{':
		err = p.object(func(string, int) error { _, err := p.skip(depth + 1); return err })
	case c == '[':
		err = p.array(func() error { _, err := p.skip(depth + 1); return err })
	case c == '"':
		_, err = p.str()
	case c == 't' || c == 'f' || c == 'n':
		_, err = p.word()
	default:
		_, err = p.number()
	}
	return p.src[start:p.i], err
}

// end refuses anything but white space.
func (p *parser) end() error {
	if p.next() != 0 || p.i < len(p.src) {
		return p.fail(p.i, "expected the end, found %s", p.found())
	}
	return nil
}
