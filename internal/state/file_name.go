package state

import (
	"fmt"
	"net/url"
	"path"
	"strings"
)

// suffix marks the files that hold records, so that "a" and "a/b" can both be
// keys: one is a file, the other stands in a folder.
const suffix = ".record"

// fileName is the slash-separated path of a key's file below the store's folder.
func fileName(key string) string {
	dir, leaf := path.Split(key)
	return folderName(dir) + escape(leaf) + suffix
}

// folderName is the folder of all keys below prefix, which is empty or ends in
// a slash. A segment that looks like a record's file is told apart by its dot.
func folderName(prefix string) string {
	var b strings.Builder
	for s := range strings.SplitSeq(strings.TrimSuffix(prefix, "/"), "/") {
		if s == "" {
			continue
		}
		s = escape(s)
		if head, ok := strings.CutSuffix(s, suffix); ok {
			s = head + "%2E" + suffix[1:]
		}
		b.WriteString(s + "/")
	}
	return b.String()
}

// keyOf reads a record file's path back; ok is false for a path that fileName
// never writes.
func keyOf(name string) (key string, ok bool) {
	trimmed, isRecord := strings.CutSuffix(name, suffix)
	key, err := url.PathUnescape(trimmed)
	return key, isRecord && err == nil && CheckKey(key) == nil && fileName(key) == name
}

// escape writes a segment with letters, digits, "-", "_" and inner dots as they
// are and every other byte as %XX, so that no file name is hidden or special.
func escape(segment string) string {
	var b strings.Builder
	for i := range len(segment) {
		c := segment[i]
		plain := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.' && i > 0
		if plain {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}
