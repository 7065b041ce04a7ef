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
