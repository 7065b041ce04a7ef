package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"domctl.dev/compiler"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) changedVerb() *cobra.Command {
	var base, head string
	var form *format
	cmd := &cobra.Command{
		Use:   "changed [ROOT]",
		Short: "List the deployments whose files a change touches",
		Long: `Lists the deployments in ROOT and below of which a file that is read differs from
the commit where the history parted from that of REF: their own, inherited and
embedded ones, and those of cue.mod. Deployments that are new, gone, moved or no
longer valid are told as that. Nobody is asked, and neither work tree nor index is
touched.`,
		Example: "  domctl changed --base origin/main\n  domctl changed --base origin/main --head \"$COMMIT\" --format json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if base == "" {
				return errors.New("--base is missing; name the branch that the change is for: --base origin/main")
			}
			root := "."
			if len(args) > 0 {
				root = args[0]
			}
			c, err := openCommits(cmd.Context(), root, base, head)
			if err != nil {
				return err
			}
			defer c.close()
			found, err := a.changed(cmd.Context(), c, head != "")
			if err != nil {
				return err
			}
			found = seenFrom(root, c.at, found)
			if form.json() {
				return a.json(changedShape{Format: shapes, Base: commitShape{base, c.base}, Head: commitShape{head, c.head}, Deployments: found})
			}
			a.listChanged(c, found)
			return nil
		},
	}
	form = formatFlag(cmd, "json")
	cmd.Flags().StringVar(&base, "base", "", "the branch, tag or `commit` that the change is for")
	cmd.Flags().StringVar(&head, "head", "", "the branch, tag or `commit` that holds the change; not stated: the work tree")
	return cmd
}

// The statuses of a deployment that changed.
const (
	statusChanged = "changed"
	statusAdded   = "added"
	statusMoved   = "moved"
	statusDeleted = "deleted"
)

// changed compares all deployments that either side has, side by side; those of
// modules of which two commits hold all files alike are left out at once.
func (a *app) changed(ctx context.Context, c *commits, named bool) ([]changedDeployment, error) {
	a.doing("evaluating the files", fmt.Sprintf("--eval-timeout ends each after %s", a.limits.timeout))
	var touched []string
	if err := c.lookable(named); err != nil {
		return nil, err
	}
	var err error
	if named {
		if touched, err = c.repo.Differ(ctx, c.base, c.head); err != nil || len(touched) == 0 {
			return []changedDeployment{}, err
		}
		if c.present, err = c.writeModules(ctx, "head", c.head, touched); err != nil {
			return nil, err
		}
	}
	base, err := c.writeModules(ctx, "base", c.base, touched)
	if err != nil {
		return nil, err
	}
	is, err := c.present.deployments(ctx, c.at)
	if err != nil {
		return nil, err
	}
	was, err := base.deployments(ctx, c.at)
	if err != nil {
		return nil, err
	}
	all := slices.Concat(is, was)
	slices.Sort(all)
	all = slices.Compact(all)
	found := make([]*changedDeployment, len(all))
	group, within := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, at := range all {
		group.Go(func() (err error) { found[i], err = a.compared(within, c, base, at); return err })
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	return followed(found), nil
}

// lookable refuses a folder that is at neither side: nothing would ever change in it.
func (c *commits) lookable(named bool) error {
	there, err := c.repo.Has(c.base, c.at)
	if err == nil && !there && named {
		there, err = c.repo.Has(c.head, c.at)
	}
	if info, missing := os.Stat(filepath.Join(c.repo.Top(), filepath.FromSlash(c.at))); err == nil && !there && !named {
		there = missing == nil && info.IsDir()
	}
	if err == nil && !there {
		err = fmt.Errorf("there is no folder %s to look in", c.at)
	}
	return err
}

// compared says what became of a deployment; nil is nothing.
func (a *app) compared(ctx context.Context, c *commits, base *tree, at string) (*changedDeployment, error) {
	now, there, err := a.source(c.present, at)
	if err != nil {
		return nil, err
	}
	former, before, err := a.source(base, at)
	if err != nil {
		return nil, err
	}
	var is, was compiler.Result
	var name string
	if there {
		if is, name, err = a.compileVersion(ctx, c, c.present, now); err != nil {
			return nil, err
		}
	}
	if before && there {
		same := former
		same.Name = name
		if _, unchanged := compiler.Kept(same); unchanged {
			return nil, nil
		}
	}
	if before {
		if was, _, err = a.compileVersion(ctx, c, base, former); err != nil {
			return nil, err
		}
	}
	files, err := differing(c.present, base, at, slices.Concat(is.Files, was.Files))
	d := &changedDeployment{Dir: at, Status: statusChanged, Deployment: cmp.Or(is.Desired.Deployment.Name, was.Desired.Deployment.Name), Valid: !schema.Failed(is.Findings), Files: files}
	switch {
	case err != nil:
		return nil, err
	case !there:
		d.Status, d.Valid = statusDeleted, !schema.Failed(was.Findings)
	case !before:
		d.Status = statusAdded
	case len(files) == 0 && d.Valid && !schema.Failed(was.Findings):
		return nil, nil
	}
	return d, nil
}

// differing are those of a deployment's files that two trees do not hold alike, seen
// from the top.
func differing(one, two *tree, at string, files []string) ([]string, error) {
	names := []string{}
	for _, f := range slices.Compact(slices.Sorted(slices.Values(files))) {
		name := path.Join(at, f)
		a, err := one.read(name)
		if err != nil {
			return nil, err
		}
		b, err := two.read(name)
		if err != nil {
			return nil, err
		}
		if (a == nil) != (b == nil) || !bytes.Equal(a, b) {
			names = append(names, name)
		}
	}
	return names, nil
}

// sum is a digest of a deployment's files, and of what is wrong with them: two trees
// that have the same hold the same deployment.
func (v *tree) sum(r compiler.Result, at string) (string, error) {
	all := make([]any, 0, len(r.Files)+1)
	for _, f := range r.Files {
		text, err := v.read(path.Join(at, f))
		if err != nil {
			return "", err
		}
		all = append(all, []any{f, text == nil, sha256.Sum256(text)})
	}
	return schema.DigestOf(append(all, r.Findings)), nil
}

// read reads a file; nil: it is not there. What is no file says what it is.
func (v *tree) read(name string) ([]byte, error) {
	file := filepath.Join(v.top, filepath.FromSlash(name))
	info, err := os.Lstat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return nil, nil
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return []byte(info.Mode().Type().String()), nil
	}
	text, err := os.ReadFile(file)
	return append([]byte{}, text...), err
}

// followed makes one of a deployment that is gone here and new there.
func followed(found []*changedDeployment) []changedDeployment {
	gone := map[string]*changedDeployment{}
	for _, d := range found {
		if d != nil && d.Status == statusDeleted && d.Deployment != "" {
			gone[d.Deployment] = d
		}
	}
	left := map[*changedDeployment]bool{}
	for _, d := range found {
		if d == nil || d.Status != statusAdded || gone[d.Deployment] == nil {
			continue
		}
		from := gone[d.Deployment]
		d.Status, d.From, left[from] = statusMoved, from.Dir, true
		delete(gone, d.Deployment)
	}
	all := []changedDeployment{}
	for _, d := range found {
		if d != nil && !left[d] {
			all = append(all, *d)
		}
	}
	return all
}

// seenFrom writes folders and files as somebody writes them who named root.
func seenFrom(root, at string, found []changedDeployment) []changedDeployment {
	here := func(name string) string {
		if rel, err := filepath.Rel(filepath.FromSlash(at), filepath.FromSlash(name)); err == nil && name != "" {
			return filepath.Join(root, rel)
		}
		return name
	}
	for i, d := range found {
		found[i].Dir, found[i].From = here(d.Dir), here(d.From)
		for j, f := range d.Files {
			d.Files[j] = here(f)
		}
	}
	return found
}

// mostFiles is how many files of a deployment are named in text.
const mostFiles = 5

func (a *app) listChanged(c *commits, found []changedDeployment) {
	if len(found) == 0 {
		fmt.Fprintf(a.stdout, "No deployment changed since %s (%.12s).\n", planner.Printable(c.ref), c.base)
	}
	for _, d := range found {
		line := fmt.Sprintf("%s  %s", d.Dir, d.Status)
		if d.From != "" {
			line += " from " + d.From
		}
		if !d.Valid {
			line += ", and not valid"
		}
		if n := len(d.Files); n > 0 && d.Status == statusChanged {
			line += ": " + strings.Join(d.Files[:min(n, mostFiles)], ", ")
			if n > mostFiles {
				line += fmt.Sprintf(" and %d more", n-mostFiles)
			}
		}
		fmt.Fprintln(a.stdout, planner.Printable(line))
	}
}
