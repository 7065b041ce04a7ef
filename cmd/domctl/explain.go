package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/schema"
)

func (a *app) explainVerb() *cobra.Command {
	return &cobra.Command{
		Use: "explain [CODE]", Short: "Say more about a finding", Args: cobra.MaximumNArgs(1), Example: "  domctl explain DC103\n  domctl explain | grep lock",
		Long: "Says what a finding means and what to do about it; without CODE it lists all of\nthem.",
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return a.listCodes()
			}
			code := "DC" + strings.TrimPrefix(strings.ToUpper(args[0]), "DC")
			for _, c := range schema.Codes() {
				if c.Code == code {
					return a.explain(c)
				}
			}
			return fmt.Errorf("there is no finding %q; domctl explain lists them all", args[0])
		},
	}
}

func (a *app) explain(c schema.Code) error {
	text := fmt.Sprintf("%s: %s\n\n%s\n\nWhat to do: %s\n", c.Code, c.Title, c.Why, c.Do)
	if e := c.Example(); e != "" {
		text += "\nFor example:\n  " + strings.ReplaceAll(e, "\n", "\n  ") + "\n"
	}
	_, err := io.WriteString(a.stdout, text)
	return err
}

func (a *app) listCodes() error {
	var b strings.Builder
	for _, c := range schema.Codes() {
		fmt.Fprintf(&b, "%s  %s\n", c.Code, c.Title)
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}
