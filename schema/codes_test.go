package schema

import (
	"io/fs"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEveryCodeIsExplained finds the codes that the program speaks of, and those
// that are explained twice.
func TestEveryCodeIsExplained(t *testing.T) {
	explained := map[string]bool{}
	for _, c := range Codes() {
		if explained[c.Code] || c.Title == "" || c.Why == "" || c.Do == "" {
			t.Errorf("%s is explained twice, or in part", c.Code)
		}
		explained[c.Code] = true
	}
	used := map[string]string{}
	tree := os.DirFS("..")
	err := fs.WalkDir(tree, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || path.Dir(name) == "schema" {
			return err
		}
		text, err := fs.ReadFile(tree, name)
		for _, code := range mentioned(string(text)) {
			used[code] = name
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) < 60 {
		t.Errorf("only %d codes were found in use", len(used))
	}
	for _, code := range Sorted(used) {
		if !explained[code] {
			t.Errorf("%s stands in %s and nowhere in codes_*.go", code, used[code])
		}
	}
}

// mentioned are the codes of a source file outside of comments. DC100 bounds a
// range and is no code.
func mentioned(text string) (codes []string) {
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "// ")
		codes = append(codes, regexp.MustCompile(`\bDC[0-9]{3}\b`).FindAllString(line, -1)...)
	}
	return slices.DeleteFunc(codes, func(c string) bool { return c == "DC100" })
}
