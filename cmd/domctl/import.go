package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
)

func (a *app) importVerb() *cobra.Command {
	var o engine.ImportOptions
	cmd := &cobra.Command{
		Use:   "import [DIR]",
		Short: "Write CUE for what lives and is not declared",
		Long: `Writes imported.cue: what lives and no object of the files speaks of, with its
identity, so that a plan has nothing to do but adopt it. An existing file is
never overwritten. AMIs that nodes and executors stand on become pins.

Settings that domctl does not document may be secrets: they are left out and
listed in a comment, unless --raw says otherwise. Archived objects are left out.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl import prod\n  domctl import prod --kind environments --owner data-org --visibility organization",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.open(cmd.Context(), a.dir(args), nil, 0)
			if err != nil {
				return err
			}
			found, err := e.Import(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.imported(a.dir(args), found)
		},
	}
	cmd.Flags().StringArrayVar(&o.Kinds, "kind", nil, "only this `kind`: "+strings.Join(world.Discoverable(), ", ")+" (repeatable)")
	cmd.Flags().StringVar(&o.Owner, "owner", "", "only environments of this `login` or organization")
	cmd.Flags().StringVar(&o.Visibility, "visibility", "", "only environments that are `private`, organization or global")
	cmd.Flags().StringVar(&o.Raw, "raw", "", "write undocumented settings as `reference`, or as value in the clear")
	return cmd
}

// imported writes the file and says what it holds.
func (a *app) imported(dir string, found engine.Imported) error {
	if found.Text == nil {
		fmt.Fprintln(a.stdout, "Nothing lives that is not declared.")
	} else {
		name, err := newFile(dir, "imported", ".cue", found.Text)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Wrote %s: %s.\n", name, planner.Plural(len(found.Objects), "object"))
		for _, address := range found.Objects {
			fmt.Fprintf(a.stdout, "  %s\n", planner.Printable(address.String()))
		}
	}
	for _, n := range found.Notes {
		a.tell("info", n)
	}
	return nil
}

// newFile writes a file that is not there yet: stem.ext, stem-2.ext, …
func newFile(dir, stem, ext string, text []byte) (name string, err error) {
	for n := 1; ; n++ {
		name = stem + ext
		if n > 1 {
			name = fmt.Sprintf("%s-%d%s", stem, n, ext)
		}
		f, err := os.OpenFile(filepath.Join(dir, name), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		_, err = f.Write(text)
		if err = errors.Join(err, f.Close()); err != nil { // a part of it would be taken for all
			err = errors.Join(fmt.Errorf("%s cannot be written: %w", name, without(err)), os.Remove(f.Name()))
		}
		return name, err
	}
}
