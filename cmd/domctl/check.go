package main

import (
	"fmt"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) checkVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{
		Use:   "check [DIR...]",
		Short: "Validate the files without asking AWS or MongoDB",
		Long: `Validates the files of one deployment, or of several side by side, and asks
nobody. The exit code is 1 when one of them is not valid.`,
		Example: "  domctl check prod\n  domctl check staging prod\n  domctl check prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) < 2 {
				args = []string{a.dir(args)}
			}
			all, err := a.compileAll(cmd.Context(), args)
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
	return cmd
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
