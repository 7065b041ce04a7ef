// Command gendocs writes the generated pages below docs: the references of the
// commands, the schema and the finding codes. Run it from the module's root;
// `make check` proves that it leaves no difference.
package main

import (
	"fmt"
	"os"
	"os/exec"

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
	return os.WriteFile("docs/findings.md", []byte(compiler.FindingReference()), 0o644)
}
