package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) checkVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "check [DIR]",
		Short:   "Validate the files without asking AWS or MongoDB",
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl check prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.compile(cmd.Context(), dir(args))
			if err != nil {
				return err
			}
			findings := d.compiled.Findings
			if schema.Failed(findings) {
				return a.refuse(findings)
			}
			if err := planner.WriteFindings(a.stderr, findings, a.errorMark); err != nil {
				return err
			}
			fmt.Fprintf(a.stdout, "%s: %d objects in %d files are valid.\n", d.compiled.Desired.Deployment.Name,
				len(d.compiled.Desired.Objects), len(d.compiled.Files))
			return nil
		},
	}
}
