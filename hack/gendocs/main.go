// Command gendocs writes the generated pages below docs: the references of the
// commands, the schema, the finding codes and the decisions. Run it from the module's root;
// `make check` proves that it leaves no difference.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"domctl.dev/compiler"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "gendocs:", err)
		os.Exit(1)
	}
}

func run() error {
	commands := exec.Command("go", "run", "./cmd/domctl", "reference", "docs/commands")
	commands.Stderr = os.Stderr
	if err := commands.Run(); err != nil {
		return err
	}
	if err := os.WriteFile("docs/schema.md", []byte(compiler.Reference()), 0o644); err != nil {
		return err
	}
	if err := os.WriteFile("docs/findings.md", []byte(compiler.FindingReference()), 0o644); err != nil {
		return err
	}
	return decisions("docs/decisions")
}

// decisions lists the pages of a folder, by their first lines ("# 10. Title").
func decisions(dir string) error {
	pages, err := filepath.Glob(filepath.Join(dir, "[0-9]*.md"))
	if err != nil {
		return err
	}
	list := "# Decisions\n\nOne page a decision: what made it necessary, what was chosen, what was given up.\nNumbers are never used again.\n\n"
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			return err
		}
		title, _, _ := strings.Cut(strings.TrimPrefix(string(text), "# "), "\n")
		number, what, ok := strings.Cut(title, ". ")
		if !ok {
			return fmt.Errorf("%s does not begin with its number: # 10. Title", page)
		}
		list += fmt.Sprintf("- %s [%s](%s)\n", number, what, filepath.Base(page))
	}
	return os.WriteFile(filepath.Join(dir, "README.md"), []byte(list), 0o644)
}
