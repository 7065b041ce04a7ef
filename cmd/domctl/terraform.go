package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/tfvars"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// mostVariables is how large a file of variables may be, bytes.
const mostVariables = 4 << 20

// writeTerraform puts what a plan leaves to Terraform into the files that it reads.
func (a *app) writeTerraform(ctx context.Context, dir string, p planner.Plan) error {
	d, err := a.compile(ctx, dir)
	if err != nil {
		return err
	}
	all, err := engine.Terraform(p, d.compiled.Desired)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		a.tell("info", "nothing is left to Terraform for which the files state a variable")
		a.tell("hint", "nodePools: NAME: terraform: {file, variables} states where Terraform has what it owns")
		return nil
	}
	above, err := d.repository()
	if err != nil {
		return err
	}
	top, err := os.OpenRoot(above)
	if err != nil {
		return err
	}
	defer top.Close()
	for _, v := range all {
		if err := a.writeVariables(top, d.dir, v); err != nil {
			return fmt.Errorf("DC811: %s: %w", v.File, err)
		}
	}
	return nil
}

// writeVariables changes one file of the repository.
func (a *app) writeVariables(top *os.Root, dir string, v engine.Variables) error {
	name, err := below(top.Name(), filepath.Join(dir, filepath.FromSlash(v.File)))
	if err != nil {
		return err
	}
	text, mode, err := readInside(top, name)
	if err != nil {
		return err
	}
	values := map[string]tfvars.Value{}
	for variable, value := range v.Values {
		if !tfvars.IsName(variable) {
			return fmt.Errorf("%q is no name of a variable", variable)
		}
		values[variable] = tfvars.Value(value.Text)
	}
	for variable, keys := range v.Maps {
		if !tfvars.IsName(variable) {
			return fmt.Errorf("%q is no name of a variable", variable)
		}
		texts := map[string]json.RawMessage{}
		for key, value := range keys {
			if texts[key] = json.RawMessage("null"); value.Is == schema.Known {
				texts[key] = json.RawMessage(value.Text)
			}
		}
		values[variable] = tfvars.Value(schema.JSON(texts).Text)
	}
	changed, err := tfvars.Set(v.File, text, values)
	if err != nil {
		return err
	}
	for _, variable := range v.Open {
		a.tell("info", v.File+": "+variable+" is known once its image is baked; plan again then")
	}
	if bytes.Equal(changed, text) {
		a.tell("info", v.File+" says so already: let Terraform apply it, then plan again")
		return nil
	}
	if err := replaceInside(top, name, changed, mode); err != nil {
		return without(err)
	}
	for _, variable := range schema.Sorted(values) {
		a.tell("info", fmt.Sprintf("%s: %s = %s", v.File, variable, values[variable]))
	}
	return nil
}

// below is a file's path below the top of the repository, slash-separated.
func below(top, file string) (string, error) {
	above, err := filepath.Abs(top)
	if err != nil {
		return "", err
	}
	at, err := filepath.Abs(file)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(above, at)
	if err != nil || !filepath.IsLocal(rel) {
		return "", errors.New("it is outside of the repository; name a file inside")
	}
	if slash := filepath.ToSlash(rel); slash == ".git" || strings.HasPrefix(slash, ".git/") {
		return "", errors.New("it is git's own; name another file")
	}
	return filepath.ToSlash(rel), nil
}

// readInside reads a regular file that no link leads to, and how it may be read.
func readInside(top *os.Root, name string) ([]byte, fs.FileMode, error) {
	at, err := top.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, errors.New("there is no such file; make it first, an empty one will do")
	case err != nil:
		return nil, 0, without(err)
	case !at.Mode().IsRegular():
		return nil, 0, errors.New("it is a link, or no regular file; name the file itself")
	case at.Size() > mostVariables:
		return nil, 0, fmt.Errorf("it is larger than %d MiB", mostVariables>>20)
	}
	f, err := top.Open(name)
	if err != nil {
		return nil, 0, without(err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostVariables+1))
	return text, at.Mode().Perm(), without(err)
}
