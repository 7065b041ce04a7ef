package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) importVerb() *cobra.Command {
	var o engine.ImportOptions
	var from []string
	cmd := &cobra.Command{
		Use:   "import [DIR]",
		Short: "Write CUE for what lives and is not declared",
		Long: `Writes imported.cue: what lives and no object of the files speaks of, with its
identity, so that a plan has nothing to do but adopt it. An existing file is
never overwritten. AMIs that nodes and executors stand on become pins.

What environments are built from is read from Domino's API, where the deployment
states it. Dockerfiles, scripts and workspace tools of more than a few lines go into
files of their own, in the folder imported. A variable that Domino shows masked, or
that is a secret by its name or form, becomes a reference, which somebody has to fill.

--from reads environments from YAML or JSON files instead, and asks nobody: files as
scripts that talk to Domino's API take them, or folders of such files
(docs/environments.md lists the shapes). What a file holds that is not known is an
error with its place, and then nothing is written.

Settings that domctl does not document may be secrets: they are left out and
listed in a comment, unless --raw says otherwise. Archived objects are left out.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl import prod\n  domctl import prod --kind environments --owner data-org --visibility organization\n  domctl import prod --from environment_templates",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(from) > 0 {
				return a.importFiles(cmd.Context(), a.dir(args), from)
			}
			e, err := a.open(cmd.Context(), a.dir(args), nil, 0)
			if err != nil {
				return err
			}
			if o.Beside, err = freeStem(a.dir(args), "imported"); err != nil {
				return err
			}
			found, err := e.Import(cmd.Context(), o)
			if err != nil {
				return err
			}
			if found.Text == nil {
				fmt.Fprintln(a.stdout, nothingFound(found))
			}
			return a.imported(a.dir(args), o.Beside, found)
		},
	}
	cmd.Flags().StringArrayVar(&o.Kinds, "kind", nil, "only this `kind`: "+strings.Join(world.Discoverable(), ", ")+" (repeatable)")
	cmd.Flags().StringArrayVar(&from, "from", nil, "environments of this YAML or JSON `file`, or folder of such (repeatable)")
	cmd.Flags().StringVar(&o.Owner, "owner", "", "only environments of this `login` or organization")
	cmd.Flags().StringVar(&o.Visibility, "visibility", "", "only environments that are `private`, organization or global")
	cmd.Flags().StringVar(&o.Raw, "raw", "", "write undocumented settings as `reference`, or as value in the clear")
	for _, other := range []string{"kind", "owner", "visibility", "raw"} {
		cmd.MarkFlagsMutuallyExclusive("from", other)
	}
	return cmd
}

// nothingFound says so, as far as everything could be read.
func nothingFound(found engine.Imported) string {
	if slices.ContainsFunc(found.Findings, func(f schema.Finding) bool { return f.Code == "DC119" }) {
		return "Nothing else was found that is not declared."
	}
	return "Nothing lives that is not declared."
}

// imported writes the files and says what they hold.
func (a *app) imported(dir, stem string, found engine.Imported) error {
	if found.Text != nil {
		name, err := writeAll(dir, stem, found)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "Wrote %s: %s.\n", name, planner.Plural(len(found.Objects), "object"))
		for _, address := range found.Objects {
			fmt.Fprintf(a.stdout, "  %s\n", planner.Printable(address.String()))
		}
		if len(found.Files) > 0 {
			fmt.Fprintf(a.stdout, "Wrote %s beside it, in %s.\n", planner.Plural(len(found.Files), "file"), stem)
		}
	}
	for _, n := range found.Notes {
		a.tell("info", n)
	}
	return a.tellFindings(found.Findings)
}

// writeAll writes the files of an import, the one that embeds the others last; all of them
// or none.
func writeAll(dir, stem string, found engine.Imported) (name string, err error) {
	var written []string
	for _, name := range schema.Sorted(found.Files) {
		written = append(written, name)
		if err = writeNew(dir, name, found.Files[name]); err != nil {
			written = written[:len(written)-1]
			break
		}
	}
	if err == nil {
		if name, err = newFile(dir, stem, ".cue", found.Text); err == nil {
			return name, nil
		}
	}
	for _, name := range written {
		err = errors.Join(err, os.Remove(filepath.Join(dir, filepath.FromSlash(name))))
	}
	for _, name := range schema.Sorted(found.Files) { // folders that are empty by now
		for at := path.Dir(name); at != "." && at != "/"; at = path.Dir(at) {
			_ = os.Remove(filepath.Join(dir, filepath.FromSlash(at)))
		}
	}
	return "", err
}

// freeStem is the name of a CUE file, and of a folder beside it, that are not there yet:
// stem, stem-2, …
func freeStem(dir, stem string) (string, error) {
	for n := 1; ; n++ {
		name := stem
		if n > 1 {
			name = fmt.Sprintf("%s-%d", stem, n)
		}
		_, file := os.Lstat(filepath.Join(dir, name+".cue"))
		_, folder := os.Lstat(filepath.Join(dir, name))
		switch {
		case errors.Is(file, fs.ErrNotExist) && errors.Is(folder, fs.ErrNotExist):
			return name, nil
		case file != nil && !errors.Is(file, fs.ErrNotExist):
			return "", without(file)
		case folder != nil && !errors.Is(folder, fs.ErrNotExist):
			return "", without(folder)
		}
	}
}

// writeNew writes a file that is not there yet, and the folders to it.
func writeNew(dir, name string, text []byte) error {
	file := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("%s cannot be made: %w", path.Dir(name), without(err))
	}
	f, err := os.OpenFile(file, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return fmt.Errorf("%s cannot be written: %w", name, without(err))
	}
	_, err = f.Write(text)
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written: %w", name, without(err)), os.Remove(file))
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
