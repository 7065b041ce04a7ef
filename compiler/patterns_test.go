package compiler

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"cuelang.org/go/cue/literal"

	"domctl.dev/schema"
)

// TestPatternsHaveWords: no message shows a regular expression in place of what is meant.
func TestPatternsHaveWords(t *testing.T) {
	names, err := fs.Glob(schema.CUE, "*.cue")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, name := range names {
		text, err := fs.ReadFile(schema.CUE, name)
		if err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(string(text), "\n")
		for n, line := range lines {
			for _, m := range regexp.MustCompile(`=~("(?:[^"\\]|\\.)*")`).FindAllStringSubmatch(line, -1) {
				found++
				pattern, err := literal.Unquote(m[1])
				said := strings.HasPrefix(line, "#") && n > 0 && strings.Contains(lines[n-1], ": ") // of a definition, by its comment
				if err != nil || patternWords(pattern) == "" && !said {
					t.Errorf("%s:%d: %s has no words (%v)", name, n+1, m[1], err)
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("%d patterns", found)
	}
}
