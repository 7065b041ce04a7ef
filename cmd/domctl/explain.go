package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/schema"
)

func (a *app) explainVerb() *cobra.Command {
	return &cobra.Command{
		Use: "explain CODE", Short: "Say more about a finding", Args: cobra.ExactArgs(1), Example: "  domctl explain DC103",
		RunE: func(_ *cobra.Command, args []string) error {
			for _, c := range schema.Codes() {
				if strings.EqualFold(c.Code, args[0]) {
					_, err := fmt.Fprintf(a.stdout, "%s: %s\n\n%s\n\nWhat to do: %s\n", c.Code, c.Title, c.Why, c.Do)
					return err
				}
			}
			return fmt.Errorf("there is no finding %q; docs/findings.md lists them all", args[0])
		},
	}
}
