package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) environmentsDuplicateVerb() *cobra.Command {
	var name string
	cmd := &cobra.Command{Use: "duplicate ENVIRONMENT NEW [DIR]", Short: "Write a copy of an environment's entry into the files", Args: cobra.RangeArgs(2, 3),
		Long: `Writes environments: NEW: {…} right after the entry that it is a copy of, and copies
of the files that the entry embeds. The copy has no id, and its own name: NEW,
unless --name says another. Nothing outside is asked or changed; domctl plan
shows what an apply would do. An entry or a file that is there already is never
overwritten.`,
		Example: "  domctl environments duplicate spark spark-gpu prod --name 'Spark 3.5 GPU'",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.duplicate(cmd.Context(), args[0], args[1], name, a.dir(args[2:]))
		}}
	cmd.Flags().StringVar(&name, "name", "", "what users see as the copy's `name`")
	return cmd
}

// duplicate writes, and takes back what then does not compile.
func (a *app) duplicate(ctx context.Context, from, to, name, dir string) error {
	d, err := a.compile(ctx, dir)
	if err != nil {
		return err
	}
	if schema.Failed(d.compiled.Findings) {
		return a.refuse(d.compiled.Findings)
	}
	wrote, err := engine.Duplicate(dir, d.compiled, from, to, cmp.Or(name, to), rewriteFile)
	if err != nil {
		return err
	}
	after, err := a.compile(ctx, dir)
	if err == nil && schema.Failed(after.compiled.Findings) {
		_ = a.refuse(after.compiled.Findings)
		err = fmt.Errorf("DC374: the copy of %s does not fit, and was taken back; write it by hand", planner.Printable(from))
	}
	if err != nil {
		if undone := wrote.Undo(); undone != nil {
			err = fmt.Errorf("%w\n%w", err, undone)
		}
		return err
	}
	for _, file := range wrote.Changed {
		fmt.Fprintf(a.stdout, "Wrote environments.%s into %s.\n", to, filepath.ToSlash(filepath.Join(dir, file)))
	}
	for _, file := range wrote.Made {
		fmt.Fprintf(a.stdout, "Copied %s.\n", filepath.ToSlash(filepath.Join(dir, file)))
	}
	return nil
}
