package sandbox

import (
	"bytes"
	"encoding/json"
	"strings"
)

const (
	width  = 100 // columns that a nested value may fill on its line
	levels = 3   // that always stand open: the file, a section, a table
)

// layout writes compact JSON for people: indented by two spaces a level; below
// an object of the third level what fits stays on its line. The value starts at
// the given level, its first line being indented by the caller.
func layout(src []byte, level int) string {
	l := &layouter{src: string(src)}
	l.value(level, 2*level)
	return l.out.String()
}

type layouter struct {
	src string
	i   int
	out strings.Builder
}

func (l *layouter) value(level, column int) {
	end := extent(l.src, l.i)
	text := l.src[l.i:end]
	switch {
	case text[0] != '{' && text[0] != '[', len(text) == 2:
		l.out.WriteString(text)
		l.i = end
	case level > levels && column+len(text) < width, strings.HasPrefix(text, `{"$`):
		l.line(end)
	default:
		l.block(level)
	}
}

// line writes a nested value on one line, with a space after each mark.
func (l *layouter) line(end int) {
	for l.i < end {
		c := l.src[l.i]
		if c == '"' {
			next := extent(l.src, l.i)
			l.out.WriteString(l.src[l.i:next])
			l.i = next
			continue
		}
		l.out.WriteByte(c)
		if c == ',' || c == ':' {
			l.out.WriteByte(' ')
		}
		l.i++
	}
}

// block writes a nested value with a line for each of its members.
func (l *layouter) block(level int) {
	indent := "\n" + strings.Repeat("  ", level+1)
	object := l.src[l.i] == '{'
	l.out.WriteByte(l.src[l.i])
	l.i++
	for {
		l.out.WriteString(indent)
		column := len(indent)
		if object {
			column += l.key()
		}
		l.value(level+1, column)
		c := l.src[l.i]
		l.i++
		if c != ',' {
			l.out.WriteString(indent[:len(indent)-2])
			l.out.WriteByte(c)
			return
		}
		l.out.WriteByte(c)
	}
}

func (l *layouter) key() int {
	end := extent(l.src, l.i)
	l.out.WriteString(l.src[l.i:end])
	l.out.WriteString(": ")
	n := end - l.i + 2
	l.i = end + 1
	return n
}

// extent is where the value at i ends. The source is valid and compact.
func extent(src string, i int) int {
	for depth := 0; i < len(src); i++ {
		switch src[i] {
		case '"':
			for i++; src[i] != '"'; i++ {
				if src[i] == '\\' {
					i++
				}
			}
			if depth == 0 {
				return i + 1
			}
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			} else if depth < 0 {
				return i
			}
		case ',', ':':
			if depth == 0 {
				return i
			}
		}
	}
	return len(src)
}

// squeeze drops the white space of valid JSON.
func squeeze(raw string) []byte {
	var b bytes.Buffer
	if json.Compact(&b, []byte(raw)) != nil {
		return []byte(raw)
	}
	return b.Bytes()
}
