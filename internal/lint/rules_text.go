package lint

import (
	"strings"
	"unicode/utf8"

	"domctl.dev/schema"
)

// texts finds what nobody means to write: a text that takes away what Domino has, one in
// another encoding, a script with the line ends of Windows.
func (e *environment) texts() {
	for _, path := range append([]string{"dockerfile"}, scriptPaths()...) {
		e.now.Path = path
		v := e.object.Fields[path]
		if v.Is != schema.Known {
			continue
		}
		text := v.Str()
		if strings.TrimSpace(text) == "" {
			e.add("DC129", schema.Warning, []Place{{e.address, path, -1}}, "write what is missing; where nothing is meant, state null", "%s is empty: an apply takes away what Domino has", path)
		}
		if line := NotUTF8(text); line > 0 {
			e.add("DC129", schema.Warning, []Place{{e.address, path, -1}}, "save the file as UTF-8", "%s is not UTF-8, in line %d: the byte is lost", path, line)
		}
		if at := strings.Index(text, "\r\n"); at >= 0 && path != "dockerfile" {
			e.add("DC129", schema.Warning, []Place{{e.address, path, at}}, "save the file with the line ends of Unix (LF)", "%s has lines that end in CR LF: the shell takes the CR for a part of the last word", path)
		}
	}
}

// NotUTF8 is the first line that holds a byte of another encoding, which reading has made
// U+FFFD; 0 where there is none.
func NotUTF8(text string) int {
	for i, r := range text {
		if r == utf8.RuneError {
			return 1 + strings.Count(text[:i], "\n")
		}
	}
	return 0
}
