package house

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"

	"domctl.dev/schema"
)

// TestAKindHasItsFiles holds docs/adding-a-kind.md to the tree.
func TestAKindHasItsFiles(t *testing.T) {
	table, err := os.ReadFile("../world/world.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range schema.Kinds() {
		name := snake(k.Name)
		for _, f := range []string{"../../schema/" + name + ".go", "../../schema/" + name + ".cue", "../world/" + name + ".go"} {
			if _, err := os.Stat(f); err != nil {
				t.Errorf("kind %s: %v", k.Name, err)
			}
		}
		if !strings.Contains(string(table), `"`+k.Name+`":`) {
			t.Errorf("kind %s has no row in internal/world's table", k.Name)
		}
	}
}

// operation is how a step's one is compared or stated.
var operation = regexp.MustCompile(`Op(?: [!=]=|:) "[a-z0-9]+\.[^"]+"`)

// TestNoKindElsewhere finds kinds and operations named where only the tables should
// speak of them.
func TestNoKindElsewhere(t *testing.T) {
	for _, dir := range []string{"../../planner", "../../applier", "../engine", "../../cmd/domctl", "../../compiler"} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
				continue
			}
			text, err := os.ReadFile(dir + "/" + e.Name())
			if err != nil {
				t.Fatal(err)
			}
			for i, line := range strings.Split(string(text), "\n") {
				code, _, _ := strings.Cut(line, "//")
				for _, k := range schema.Kinds() {
					code := strings.Replace(code, `json:"`+k.Name+`"`, "", 1) // what output is called branches on nothing
					if strings.Contains(code, `"`+k.Name+`"`) {
						t.Errorf("%s/%s:%d names the kind %s", dir, e.Name(), i+1, k.Name)
					}
				}
				if op := operation.FindString(code); op != "" {
					t.Errorf("%s/%s:%d names the operation %s", dir, e.Name(), i+1, op)
				}
			}
		}
	}
}

// TestEveryKindIsCrashed: the simulation plays every kind.
func TestEveryKindIsCrashed(t *testing.T) {
	files, err := filepath.Glob("../sim/testdata/*/compute.cue")
	if err != nil || len(files) == 0 {
		t.Fatalf("no deployments in internal/sim/testdata: %v", err)
	}
	played := ""
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		played += string(text)
	}
	for _, k := range schema.Kinds() {
		if !regexp.MustCompile(`(?m)^` + k.Name + `: `).MatchString(played) {
			t.Errorf("no deployment in internal/sim/testdata has %s", k.Name)
		}
	}
}

// snake turns hardwareTiers into hardware_tiers.
func snake(s string) string {
	var b strings.Builder
	for i, r := range s {
		if unicode.IsUpper(r) && i > 0 {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}
