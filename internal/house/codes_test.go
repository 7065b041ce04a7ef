package house

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestCodes: every code that a source names is one that `domctl explain` knows,
// and every one it knows is named somewhere.
func TestCodes(t *testing.T) {
	known := map[string]bool{}
	for _, c := range schema.Codes() {
		if known[c.Code] || c.Title == "" || c.Why == "" || c.Do == "" {
			t.Errorf("%s stands twice in the table of codes, or in part", c.Code)
		}
		known[c.Code] = true
	}
	used := map[string]bool{}
	err := filepath.WalkDir("../..", func(name string, d os.DirEntry, err error) error {
		table := strings.HasPrefix(filepath.Base(name), "codes_") && filepath.Base(filepath.Dir(name)) == "schema"
		if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || table {
			return err
		}
		text, err := os.ReadFile(name)
		for _, code := range regexp.MustCompile(`["(]DC\d{3}\b`).FindAllString(string(text), -1) {
			used[code[1:]] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for code := range used {
		if !known[code] && !example(code) {
			t.Errorf("%s is not explained: give it a row in schema/codes_*.go", code)
		}
	}
	for code := range known {
		if !used[code] {
			t.Errorf("%s is explained, and nothing says it", code)
		}
	}
}

// example codes stand in documentation only.
func example(code string) bool { return slices.Contains([]string{"DC100", "DC103", "DC201"}, code) }
