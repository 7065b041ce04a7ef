package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"domctl.dev/compiler"
	"domctl.dev/schema"
)

// mostCopied bounds a file that is copied beside the CUE.
const mostCopied = 4 << 20

// entryName is #Name of the schema.
var entryName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,127}$`)

// Duplicated is what a copy of an entry wrote, relative to the deployment's folder.
type Duplicated struct {
	Changed []string // CUE files
	Made    []string // copies of files that the entry embeds
	undo    map[string][]byte
	dir     string
	rewrite func(name string, text []byte) error
}

// Duplicate writes the copy of an environment's entry next to it in the files, as another
// environment: without an id, called name. Nothing outside is asked. What is written can
// be taken back, see Undo; rewrite replaces a file whole or not at all.
func Duplicate(dir string, r compiler.Result, from, to, name string, rewrite func(name string, text []byte) error) (d Duplicated, err error) {
	if err := Copyable(r, from, to); err != nil {
		return d, err
	}
	a := schema.EnvironmentAddress(strings.TrimPrefix(from, "environments."))
	d = Duplicated{dir: dir, undo: map[string][]byte{}, rewrite: rewrite}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Undo())
		}
	}()
	for _, file := range r.Files {
		if filepath.Ext(file) != ".cue" || strings.HasPrefix(file, "../") {
			continue
		}
		text, err := os.ReadFile(d.path(file))
		if err != nil {
			return d, err
		}
		c, err := compiler.Duplicate(file, text, a, to, []string{"id", "movedFrom", "activeRevision"}, map[string]string{"name": name})
		if err != nil || c.Copied == 0 {
			if err != nil {
				return d, err
			}
			continue
		}
		for _, from := range schema.Sorted(c.Embeds) {
			if err := d.copy(filepath.Join(filepath.Dir(file), filepath.FromSlash(from)), filepath.Join(filepath.Dir(file), filepath.FromSlash(c.Embeds[from]))); err != nil {
				return d, err
			}
		}
		if err := rewrite(d.path(file), c.Text); err != nil {
			return d, err
		}
		d.undo[file] = text
		d.Changed = append(d.Changed, file)
	}
	if len(d.Changed) == 0 {
		return d, fmt.Errorf("DC374: %s stands in no file of this folder as environments: %s: {…}; write the copy by hand", a, a.Name)
	}
	return d, nil
}

// Copyable says whether the files state the one, and not yet the other.
func Copyable(r compiler.Result, from, to string) error {
	a, b := schema.EnvironmentAddress(strings.TrimPrefix(from, "environments.")), schema.EnvironmentAddress(to)
	if _, there := r.Desired.Objects[a]; !there {
		return fmt.Errorf("DC374: the files state no %s%s\nhint: one that Domino alone has is written into files by domctl import --kind environments, and copied from there", a, near(a, schema.Addresses(r.Desired.Objects)))
	}
	if _, there := r.Desired.Objects[b]; there {
		return fmt.Errorf("DC374: the files state %s already; choose another name", b)
	}
	if !entryName.MatchString(to) { // it stands in names of files
		return fmt.Errorf("DC374: %q is no name for a copy: write letters, digits, dashes, dots and underscores, first a letter or a digit", to)
	}
	return nil
}

func near(a schema.Address, all []schema.Address) string {
	if meant := nearest(a.String(), all); meant != "" {
		return "; did you mean " + meant + "?"
	}
	return ""
}

func (d Duplicated) path(file string) string { return filepath.Join(d.dir, filepath.FromSlash(file)) }

// copy makes a new file of a regular one.
func (d *Duplicated) copy(from, to string) error {
	if slices.Contains(d.Made, filepath.ToSlash(to)) {
		return nil
	}
	at, err := os.Lstat(d.path(from))
	switch {
	case !filepath.IsLocal(from) || !filepath.IsLocal(to):
		return fmt.Errorf("DC374: %s lies outside of the deployment's folder; write the copy by hand", from)
	case err != nil:
		return err
	case !at.Mode().IsRegular() || at.Size() > mostCopied:
		return fmt.Errorf("DC374: %s is no regular file of less than %d MiB, so it is not copied", from, mostCopied>>20)
	}
	in, err := os.Open(d.path(from))
	if err != nil {
		return err
	}
	defer in.Close()
	text, err := io.ReadAll(io.LimitReader(in, mostCopied))
	if err != nil {
		return err
	}
	err = create(d.path(to), text)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("DC374: %s is there already, and never overwritten; nothing was written", to)
	}
	if err == nil {
		d.Made = append(d.Made, filepath.ToSlash(to))
	}
	return err
}

// Undo takes back what was written.
func (d Duplicated) Undo() error {
	var all []error
	for file, text := range d.undo {
		all = append(all, d.rewrite(d.path(file), text))
	}
	for _, file := range d.Made {
		all = append(all, os.Remove(d.path(file)))
	}
	return errors.Join(all...)
}
