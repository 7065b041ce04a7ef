// Command gendocs writes the references under docs that follow from the code:
// the schema and the finding codes. It runs at the root of the tree.
package main

import (
	"fmt"
	"os"

	"domctl.dev/compiler"
)

func main() {
	for name, text := range map[string]string{
		"docs/schema.md":   compiler.Reference(),
		"docs/findings.md": compiler.FindingReference(),
	} {
		if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, "gendocs:", err)
			os.Exit(1)
		}
	}
}
