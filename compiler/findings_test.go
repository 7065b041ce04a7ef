package compiler

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"domctl.dev/schema"
)

var update = flag.Bool("update", false, "write what was found into testdata/findings")

// TestFindings holds every message about bad files to testdata/findings: the
// files of a tree, then what is found in its deployment prod.
func TestFindings(t *testing.T) {
	names, err := filepath.Glob("testdata/findings/*.txtar")
	if err != nil || len(names) == 0 {
		t.Fatal("no cases", err)
	}
	for _, name := range names {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			files, want := map[string]string{}, ""
			inputs := archive.Files[:0:0]
			for _, f := range archive.Files {
				if f.Name == "findings" {
					want = string(f.Data)
					continue
				}
				inputs = append(inputs, f)
				files[f.Name] = string(f.Data)
			}
			got := list(compileFiles(t, files).Findings)
			if *update {
				archive.Files = append(inputs, txtar.File{Name: "findings", Data: []byte(got)})
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

func list(findings []schema.Finding) string {
	var b strings.Builder
	for _, f := range findings {
		fmt.Fprintf(&b, "%s %s: %v: %s\n", f.Severity, f.Code, f.Address, f.Message)
		for _, p := range f.Positions {
			fmt.Fprintf(&b, "    %v\n", p)
		}
		if f.Hint != "" {
			fmt.Fprintf(&b, "  hint: %s\n", f.Hint)
		}
	}
	return b.String()
}

// TestCodesExplained proves that every code of this package has its row.
func TestCodesExplained(t *testing.T) {
	rows := map[string]bool{}
	for _, c := range schema.Codes() {
		if rows[c.Code] || c.Title == "" || c.Why == "" || c.Do == "" {
			t.Errorf("%s: stated twice, or without title, why or do", c.Code)
		}
		rows[c.Code] = true
	}
	text, err := os.ReadFile("codes.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, word := range strings.Fields(string(text)) {
		if code := strings.Trim(word, `"`); strings.HasPrefix(code, "DC") && !rows[code] {
			t.Errorf("%s is not explained", code)
		}
	}
}
