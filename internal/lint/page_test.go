package lint

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"domctl.dev/schema"
)

// TestPage holds docs/dockerfile-lint.md to the codes that there are: each that it names
// is explained, each of this package stands in its first table with the level and the fix
// that it has.
func TestPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/dockerfile-lint.md")
	if err != nil {
		t.Fatal(err)
	}
	ours, _, ok := strings.Cut(string(page), "## Beside Hadolint")
	var explained []string
	for _, c := range schema.Codes() {
		explained = append(explained, c.Code)
	}
	for _, code := range regexp.MustCompile(`DC\d+`).FindAllString(string(page), -1) {
		if !slices.Contains(explained, code) {
			t.Errorf("the page names %s, which there is not", code)
		}
	}
	rows := regexp.MustCompile(`(?m)^\| (DC7\d\d) \| .* \| ([^|]*) \| *([^|]*)\|$`).FindAllStringSubmatch(ours, -1)
	levels, fixes := map[string]string{}, map[string]bool{}
	for _, r := range rows {
		levels[r[1]], fixes[r[1]] = r[2], strings.TrimSpace(r[3]) != ""
	}
	sources, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	said := 0
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, code := range regexp.MustCompile(`"(DC7\d\d)"`).FindAllStringSubmatch(string(text), -1) {
			said++
			if levels[code[1]] == "" {
				t.Errorf("%s is not on the page", code[1])
			}
		}
		for _, add := range regexp.MustCompile(`e\.add\("(DC7\d\d)", schema\.(\w+)`).FindAllStringSubmatch(string(text), -1) {
			if !strings.Contains(levels[add[1]], strings.ToLower(add[2])) && add[1] != "DC703" { // which is a warning when a parser fails
				t.Errorf("%s is %s, and on the page %s", add[1], add[2], levels[add[1]])
			}
		}
	}
	if !ok || len(rows) < 20 || said < len(rows) {
		t.Fatalf("%d rows, %d codes", len(rows), said)
	}
	for _, code := range []string{"DC702", "DC706", "DC719", "DC720", "DC724", "DC725"} {
		if !fixes[code] {
			t.Errorf("%s is put right, which the page does not say", code)
		}
		delete(fixes, code)
	}
	for code, fix := range fixes {
		if fix {
			t.Errorf("the page says that %s is put right", code)
		}
	}
}
