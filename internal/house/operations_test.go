package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestAnOperationIsSpelledOnce: its name stands in internal/operation, and nowhere else in
// what is built.
func TestAnOperationIsSpelledOnce(t *testing.T) {
	const names = "../operation/operation.go"
	text, err := os.ReadFile(names)
	if err != nil {
		t.Fatal(err)
	}
	spelled := map[string]bool{}
	for _, found := range regexp.MustCompile(`(?m)^\t\w+ += "([^"]+)"`).FindAllSubmatch(text, -1) {
		if spelled[string(found[1])] {
			t.Errorf("%s has two names", found[1])
		}
		spelled[string(found[1])] = true
	}
	if len(spelled) < 30 {
		t.Fatalf("only %d names were found", len(spelled))
	}
	for _, dir := range []string{"..", "../../planner", "../../applier", "../../compiler", "../../cmd"} {
		err := filepath.WalkDir(dir, func(name string, d os.DirEntry, err error) error {
			if err != nil || filepath.Ext(name) != ".go" || strings.HasSuffix(name, "_test.go") || name == names {
				return err
			}
			text, err := os.ReadFile(name)
			for i, line := range strings.Split(string(text), "\n") {
				code, _, _ := strings.Cut(line, "//")
				for _, at := range regexp.MustCompile(`"/?[a-z0-9]+\.[A-Za-z.]+[/"]`).FindAllString(code, -1) {
					if spelled[strings.Trim(at, `"/`)] {
						t.Errorf("%s:%d spells the operation %s, which internal/operation names", name, i+1, at)
					}
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}
