package gitops_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestEachRecordOnItsPage: docs/state-store.md has a row for each key of a store, and none
// beside; the controller's stand in records.go alone.
func TestEachRecordOnItsPage(t *testing.T) {
	page, err := os.ReadFile("../../docs/state-store.md")
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, row := range regexp.MustCompile("(?m)^\\| (`.*?`) \\|").FindAllStringSubmatch(string(page), -1) {
		for _, key := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			place, _, _ := strings.Cut(key[1], "<")
			told = append(told, place)
		}
	}
	keys := map[string]string{"applies/": "", "open/": "", "gitops/acts-": ""}
	named := regexp.MustCompile(`(?m)\b(?:\w+Key|KeyRecord)\s+= "([^"]+)"`)
	literal := regexp.MustCompile(`"(gitops/[^"]+)"`)
	for _, dir := range []string{".", "../../applier", "../engine"} {
		files, err := filepath.Glob(dir + "/*.go")
		if err != nil || len(files) == 0 {
			t.Fatalf("%s holds %d files (%v)", dir, len(files), err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range named.FindAllSubmatch(text, -1) {
				keys[string(key[1])] = file
			}
			for _, key := range literal.FindAllSubmatch(text, -1) {
				if file != "records.go" {
					t.Errorf("%s: the key %s does not stand in records.go", file, key[1])
				}
			}
		}
	}
	for key, file := range keys {
		if !slices.Contains(told, key) {
			t.Errorf("%s: the page has no row for %s", file, key)
		}
	}
	for _, key := range told {
		if _, known := keys[key]; !known {
			t.Errorf("the page has a row for %s, and nobody keeps that", key)
		}
	}
	if len(keys) < 15 {
		t.Errorf("only %d keys were found", len(keys))
	}
}
