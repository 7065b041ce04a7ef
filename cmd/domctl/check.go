package main

import (
	"context"
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"domctl.dev/compiler"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) checkVerb() *cobra.Command {
	var form *format
	var fix bool
	cmd := &cobra.Command{
		Use:   "check [DIR...]",
		Short: "Validate the files without asking AWS or MongoDB",
		Long: `Validates the files of one deployment, or of several side by side, and asks
nobody. The exit code is 1 when one of them is not valid.
--fix first puts right what can safely be: it rewrites the files that hold it, also
those beside the CUE, and says what it did. What the deployment turned off, and what
an expression makes, stays.`,
		Example: "  domctl check prod\n  domctl check prod --fix\n  domctl check staging prod\n  domctl check prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				args = []string{a.dir(args)}
			}
			all, err := a.compileAll(cmd.Context(), args)
			if err == nil && fix {
				all, err = a.fixed(cmd.Context(), args, all)
			}
			if err == nil {
				err = a.often(cmd.Context(), all)
			}
			if err != nil {
				return err
			}
			if form.json() {
				return a.checkedJSON(all)
			}
			return a.checked(all)
		},
	}
	form = formatFlag(cmd, "json")
	cmd.Flags().BoolVar(&fix, "fix", false, "first put right what can safely be")
	return cmd
}

// fixed writes what can safely be put right, and reads the folders again.
func (a *app) fixed(ctx context.Context, dirs []string, all []*deployment) ([]*deployment, error) {
	wrote := 0
	for _, d := range all {
		src, err := compiler.Find(d.dir)
		if err != nil {
			return nil, err
		}
		f, err := compiler.Fix(ctx, src, d.compiled)
		if err != nil {
			return nil, err
		}
		for _, name := range schema.Sorted(f.Files) {
			if err := rewriteFile(filepath.Join(d.dir, filepath.FromSlash(name)), f.Files[name]); err != nil {
				return nil, err
			}
			wrote++
		}
		found := f.Findings
		if len(all) > 1 {
			found = within(a.at(d.dir), found)
		}
		for _, f := range found {
			a.tell("fixed", fmt.Sprintf("%s: %s: %s (%s)", f.Code, f.Address, f.Message, f.Positions[0]))
		}
	}
	if wrote == 0 {
		return all, nil
	}
	return a.compileAll(ctx, dirs)
}

// checked prints what is to be said of each deployment. Places are those within
// its folder, and of several those from here.
func (a *app) checked(all []*deployment) error {
	failed := false
	for _, d := range all {
		findings := schema.SortFindings(d.compiled.Findings)
		if len(all) > 1 {
			findings = within(a.at(d.dir), findings)
		}
		if err := a.tellFindings(findings); err != nil {
			return err
		}
		if schema.Failed(findings) {
			failed = true
			continue
		}
		fmt.Fprintf(a.stdout, "%s: %s in %s, all valid.\n", d.compiled.Desired.Deployment.Name,
			planner.Plural(len(d.compiled.Desired.Objects), "object"), planner.Plural(len(d.compiled.Files), "file"))
	}
	if failed {
		return exitCode(1)
	}
	return nil
}

// checkedJSON is checked for programs.
func (a *app) checkedJSON(all []*deployment) error {
	shape := checkShape{Format: shapes, Deployments: []checkedShape{}}
	failed := false
	for _, d := range all {
		c := checkedShape{Dir: d.dir, Deployment: d.compiled.Desired.Deployment.Name, Valid: !schema.Failed(d.compiled.Findings), Objects: len(d.compiled.Desired.Objects),
			Files: append([]string{}, d.compiled.Files...), Findings: append([]schema.Finding{}, schema.SortFindings(d.compiled.Findings)...)}
		shape.Deployments, failed = append(shape.Deployments, c), failed || !c.Valid
	}
	if err := a.json(shape); err != nil || !failed {
		return err
	}
	return exitCode(1)
}

// within puts a folder before the places that are relative to it.
func within(dir string, findings []schema.Finding) []schema.Finding {
	out := make([]schema.Finding, len(findings))
	for i, f := range findings {
		places := make([]schema.Position, len(f.Positions))
		for j, p := range f.Positions {
			p.File = path.Join(filepath.ToSlash(dir), p.File)
			places[j] = p
		}
		f.Positions = places
		out[i] = f
	}
	return out
}
