// Command gendocs writes the generated pages below docs: the reference of the
// commands and of the finding codes. Run it from the module's root; `make check`
// proves that it leaves no difference.
package main

import (
	"fmt"
	"os"
	"os/exec"
	"strings"

	"domctl.dev/schema"
)

func main() {
	for _, write := range []func() error{commands, findings} {
		if err := write(); err != nil {
			fmt.Fprintln(os.Stderr, "gendocs:", err)
			os.Exit(1)
		}
	}
}

func commands() error {
	cmd := exec.Command("go", "run", "./cmd/domctl", "reference", "docs/commands")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}

func findings() error {
	var b strings.Builder
	b.WriteString("# Finding codes\n\nMade from `schema/codes_*.go` by `make generate`; `domctl explain CODE` says the same. A code is\nnever used again for something else.\n")
	for _, c := range schema.Codes() {
		fmt.Fprintf(&b, "\n## %s: %s\n\n%s\n\nWhat to do: %s\n", c.Code, c.Title, c.Why, c.Do)
	}
	return os.WriteFile("docs/findings.md", []byte(b.String()), 0o666)
}
