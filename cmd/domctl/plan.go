package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

func (a *app) planVerb() *cobra.Command {
	var o engine.PlanOptions
	var out string
	var form *format
	var detailed bool
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what an apply would do",
		Long: `Reads the files and what lives, and shows what an apply would do. Nothing is
written outside. The exit code is 0, or 1 for an error; with --detailed-exitcode
2 says that there are changes.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl plan
  domctl plan prod --out prod.plan && domctl apply prod --plan prod.plan
  domctl plan prod --target 'hardwareTiers.gpu-*' --format json`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if out == "-" {
				return errors.New("--out - is no file; name one, or print the plan with --format json")
			}
			if err := mayReplace(out); err != nil {
				return err
			}
			e, err := a.open(cmd.Context(), a.dir(args), nil, 0)
			if err != nil {
				return err
			}
			p, err := e.Plan(cmd.Context(), o)
			if err != nil {
				return err
			}
			if err := a.show(p, form.name); err != nil {
				return err
			}
			if out != "" {
				if err := replaceFile(out, planner.Encode(p), 0o600); err != nil {
					return fmt.Errorf("plan file %w", err)
				}
			}
			return planExit(p, detailed)
		},
	}
	planFlags(cmd.Flags(), &o)
	form = formatFlag(cmd, "json", "markdown")
	cmd.Flags().StringVar(&out, "out", "", "also write the plan to this `file`, for apply --plan")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	return cmd
}

func planFlags(f *pflag.FlagSet, o *engine.PlanOptions) {
	f.StringArrayVar(&o.Target, "target", nil, "only this `address` or pattern and what it refers to (repeatable)")
	f.StringArrayVar(&o.Exclude, "exclude", nil, "not this `address` or pattern, even where others refer to it (repeatable)")
	f.StringArrayVar(&o.Allow, "allow", nil, "allow `archive`: archive what was applied and is no longer in the files")
	f.BoolVar(&o.Restarted, "restarted", false, "Domino's services restarted: settings wait for that no longer")
	f.BoolVar(&o.Unlatch, "unlatch", false, "apply content again that was rolled back")
}

// show prints a plan on stdout and its findings on stderr.
func (a *app) show(p planner.Plan, format string) error {
	switch format {
	case "markdown":
		return p.Markdown(a.stdout)
	case "json":
		return a.json(p.Sealed())
	}
	if err := a.tellFindings(p.Findings); err != nil {
		return err
	}
	return p.Text(a.stdout, a.style)
}

func planExit(p planner.Plan, detailed bool) error {
	if p.Refused() {
		return exitCode(1)
	}
	if detailed && p.Changed() {
		return exitCode(2)
	}
	return nil
}
