package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/form"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// importFiles imports what administrators keep environments in.
func (a *app) importFiles(ctx context.Context, dir string, from []string) error {
	d, err := a.compile(ctx, dir)
	if err != nil {
		return err
	}
	if schema.Failed(d.compiled.Findings) {
		return a.refuse(d.compiled.Findings)
	}
	files, err := environmentFiles(from)
	if err != nil {
		return err
	}
	stem, err := freeStem(dir, "imported")
	if err != nil {
		return err
	}
	found, err := engine.ImportFiles(d.compiled.Desired, files, stem)
	var invalid *engine.Invalid
	if errors.As(err, &invalid) {
		return a.refuse(invalid.Findings)
	}
	if err != nil {
		return err
	}
	if found.Text == nil {
		fmt.Fprintln(a.stdout, "The files hold no environment that is not declared.")
	}
	return a.imported(dir, stem, found)
}

// mostEnvironmentFiles is how many files of environments are read at once.
const mostEnvironmentFiles = 5000

// environmentFiles reads files, and of folders what looks like an environment's: *.yaml,
// *.yml and *.json, and environment.yaml in folders right below. Links are not followed.
func environmentFiles(from []string) (files []engine.EnvironmentFile, err error) {
	for _, name := range from {
		names := []string{name}
		info, err := os.Stat(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", planner.Printable(name), without(err))
		}
		if !info.IsDir() && !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is neither a file nor a folder", planner.Printable(name))
		}
		if info.IsDir() {
			if names, err = filesIn(name); err != nil {
				return nil, err
			}
		}
		for _, n := range names {
			text, err := readRegular(n, form.Most)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", planner.Printable(n), err)
			}
			files = append(files, engine.EnvironmentFile{Name: filepath.ToSlash(n), Text: string(text), Found: info.IsDir()})
		}
		if len(files) > mostEnvironmentFiles {
			return nil, fmt.Errorf("more than %d files: name fewer", mostEnvironmentFiles)
		}
	}
	return files, nil
}

func filesIn(dir string) (names []string, err error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, without(err)
	}
	yaml := []string{".yaml", ".yml", ".json"}
	for _, e := range entries {
		name := filepath.Join(dir, e.Name())
		switch {
		case e.Type().IsRegular() && slices.Contains(yaml, path.Ext(e.Name())):
			names = append(names, name)
		case e.IsDir():
			for _, ext := range yaml {
				below := filepath.Join(name, "environment"+ext)
				if info, err := os.Lstat(below); err == nil && info.Mode().IsRegular() {
					names = append(names, below)
				} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
					return nil, without(err)
				}
			}
		}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no *.yaml, *.yml or *.json, nor folders with environment.yaml", planner.Printable(dir))
	}
	return names, nil
}
