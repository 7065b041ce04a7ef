package main

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
)

func (a *app) schemaVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "schema", Short: "Keep the copy of the schema that editors use", Example: "  domctl schema vendor prod"}
	cmd.AddCommand(&cobra.Command{
		Use: "vendor [DIR]", Short: "Write this version's schema into the module", Args: cobra.MaximumNArgs(1), Example: "  domctl schema vendor prod",
		Long: `Writes cue.mod/pkg/domctl.dev/schema and kinds.cue, so that cue vet and editors
know the fields and their documentation. domctl itself always uses its own copy.`,
		RunE: func(_ *cobra.Command, args []string) error {
			changed, err := engine.Vendor(a.dir(args))
			if errors.Is(err, fs.ErrNotExist) {
				err = cmp.Or(engine.Locate(a.dir(args)), err)
			}
			for _, f := range changed {
				fmt.Fprintln(a.stdout, "wrote", f)
			}
			if err == nil && len(changed) == 0 {
				fmt.Fprintln(a.stdout, "The schema is this version's already.")
			}
			return err
		},
	})
	return cmd
}
