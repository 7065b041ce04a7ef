package main

import (
	"cmp"
	"context"
	"errors"
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
unless --name says another. Where the entry does not state what the environment is
built from, that is read from Domino's API, as domctl import does, and written into
copied.cue; else nothing outside is asked. Nothing outside is changed; domctl plan
shows what an apply would do. An entry or a file that is there already is never overwritten.`,
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
	found, stem, err := a.definitionFor(ctx, dir, d, from, to)
	if err != nil {
		return err
	}
	wrote, err := engine.Duplicate(dir, d.compiled, from, to, cmp.Or(name, to), rewriteFile)
	if err != nil {
		return err
	}
	var written []string
	if found.Text != nil {
		name, err := writeAll(dir, stem, found)
		if err != nil {
			return errors.Join(err, wrote.Undo())
		}
		written = append(schema.Sorted(found.Files), name)
		wrote.Made = append(wrote.Made, written...)
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
	for _, file := range wrote.Made[:len(wrote.Made)-len(written)] {
		fmt.Fprintf(a.stdout, "Copied %s.\n", filepath.ToSlash(filepath.Join(dir, file)))
	}
	for _, file := range written {
		fmt.Fprintf(a.stdout, "Wrote %s, of what Domino has.\n", filepath.ToSlash(filepath.Join(dir, file)))
	}
	return a.tellFindings(found.Findings)
}

// definitionFor is what Domino alone knows of an environment that is to be copied, and the
// stem of the files that it goes into.
func (a *app) definitionFor(ctx context.Context, dir string, d *deployment, from, to string) (found engine.Imported, stem string, err error) {
	asked, err := engine.Undefined(d.compiled.Desired, from)
	if err != nil || !asked {
		return found, "", err
	}
	if err := engine.Copyable(d.compiled, from, to); err != nil {
		return found, "", err
	}
	if stem, err = freeStem(dir, "copied"); err != nil {
		return found, "", err
	}
	e, err := a.open(ctx, dir, nil, 0)
	if err != nil {
		return found, "", err
	}
	found, err = e.CopyDefinition(ctx, from, to, stem)
	return found, stem, err
}
