package schema

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// quoteJSON writes a string as encoding/json does without escaping for HTML. A
// deployment's text is mostly scripts of some kilobytes, and the encoder's
// buffers would be most of what a compile allocates.
func quoteJSON(s string) string {
	var b strings.Builder
	b.Grow(len(s) + len(s)/16 + 2)
	b.WriteByte('"')
	start := 0
	for i := 0; i < len(s); {
		if asItIs(s[i]) {
			i++
			continue
		}
		escaped, size := escape(s[i:])
		if escaped != "" {
			b.WriteString(s[start:i])
			b.WriteString(escaped)
			start = i + size
		}
		i += size
	}
	b.WriteString(s[start:])
	b.WriteByte('"')
	return b.String()
}

// asItIs says that a byte stands for itself in a JSON string.
func asItIs(c byte) bool { return c >= ' ' && c < utf8.RuneSelf && c != '"' && c != '\\' }

// unquoteJSON reads what quoteJSON wrote; ok is false for JSON of another form.
func unquoteJSON(text string) (s string, ok bool) {
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' || !utf8.ValidString(text) {
		return "", false
	}
	text = text[1 : len(text)-1]
	var b strings.Builder
	b.Grow(len(text))
	start := 0
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && unescape(text[i+1]) != 0:
			b.WriteString(text[start:i])
			b.WriteByte(unescape(text[i+1]))
			i++
			start = i + 1
		case c < ' ' || c == '"' || c == '\\':
			return "", false
		}
	}
	b.WriteString(text[start:])
	return b.String(), true
}

// unescape is what a letter after a backslash stands for, 0 for those of more.
func unescape(letter byte) byte {
	switch letter {
	case '"', '\\':
		return letter
	case 'n':
		return '\n'
	case 't':
		return '\t'
	case 'r':
		return '\r'
	case 'b':
		return '\b'
	case 'f':
		return '\f'
	}
	return 0
}

// escape says how the first character of s is written, "" for as it is, and its
// size in bytes.
func escape(s string) (escaped string, size int) {
	if c := s[0]; c < utf8.RuneSelf {
		return escapeASCII(c), 1
	}
	r, size := utf8.DecodeRuneInString(s)
	switch {
	case r == utf8.RuneError && size == 1:
		return `\ufffd`, 1
	case r == '\u2028' || r == '\u2029':
		return fmt.Sprintf(`\u%04x`, r), size
	}
	return "", size
}

func escapeASCII(c byte) string {
	switch {
	case c == '"':
		return `\"`
	case c == '\\':
		return `\\`
	case c >= ' ':
		return ""
	case c == '\n':
		return `\n`
	case c == '\t':
		return `\t`
	case c == '\r':
		return `\r`
	case c == '\b':
		return `\b`
	case c == '\f':
		return `\f`
	}
	return fmt.Sprintf(`\u%04x`, c)
}
