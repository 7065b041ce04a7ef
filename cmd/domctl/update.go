package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// resolvedFile is the lock of what floats upstream.
const resolvedFile = "resolved.cue"

func (a *app) updateVerb() *cobra.Command {
	return &cobra.Command{
		Use:   "update [DIR] [NAME...]",
		Short: "Look up what floats upstream and keep it in resolved.cue",
		Long: `Looks up the digests of base images, and the AMIs that are found by a filter or
an SSM parameter, and writes what moved into resolved.cue. Plans follow from
that file alone: commit it by itself.
The first argument is the folder if there is one of that name; without names
everything is looked up. When one look-up fails, the file stays as it was.`,
		Example: "  domctl update\n  domctl update prod\n  domctl update prod baseImages.ded gpu",
		RunE: func(cmd *cobra.Command, args []string) error {
			folder, names := dirAndNames(args)
			d, err := a.compile(cmd.Context(), a.at(folder))
			if err != nil {
				return err
			}
			return a.update(cmd.Context(), d, names)
		},
	}
}

// dirAndNames takes the first argument for the deployment's folder if it is one.
func dirAndNames(args []string) (dir string, names []string) {
	if len(args) > 0 {
		if fi, err := os.Stat(args[0]); err == nil && fi.IsDir() {
			return args[0], args[1:]
		}
	}
	return ".", args
}

func (a *app) update(ctx context.Context, d *deployment, names []string) error {
	if schema.Stops(d.compiled.Findings) { // what the deployment is may not be known
		return a.refuse(d.compiled.Findings)
	}
	up, err := d.upstream(ctx)
	if err != nil {
		return err
	}
	a.doing("asking registries and AWS", patience)
	u, err := engine.Update(ctx, d.compiled, up, names)
	if err != nil {
		var invalid *engine.Invalid
		if errors.As(err, &invalid) {
			return a.refuse(invalid.Findings)
		}
		return fmt.Errorf("%w\nhint: %s stays as it was", err, resolvedFile)
	}
	if u.Text != nil {
		if err := replaceFile(filepath.Join(d.dir, resolvedFile), u.Text, 0o644); err != nil {
			return err
		}
	}
	for _, m := range u.Moves {
		fmt.Fprintf(a.stdout, "%s\n", m.Address)
		if m.Before != "" {
			fmt.Fprintf(a.stdout, "  - %s\n", planner.Printable(m.Before))
		}
		if m.After != "" {
			fmt.Fprintf(a.stdout, "  + %s\n", planner.Printable(m.After))
		}
	}
	fmt.Fprintf(a.stdout, "%d looked up, %d moved.\n", u.Asked, len(u.Moves))
	return nil
}
