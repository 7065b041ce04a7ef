package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

func (a *app) planVerb() *cobra.Command {
	v := planning{app: a}
	cmd := &cobra.Command{
		Use:   "plan [DIR]",
		Short: "Show what an apply would do",
		Long: `Reads the files and what lives, and shows what an apply would do. Nothing is
written outside. The exit code is 0, or 1 for an error; with --detailed-exitcode
2 says that there are changes.

With --base the changes that the files bring since they parted from REF are shown
apart from what was pending before or has drifted. Both states are planned against
one look at the world. The plan is the whole one, as an apply would do all of it.
Neither work tree nor index is touched.

With --world the files are planned against a recording that domctl world record made:
nobody is asked, no credentials are needed, and the plan cannot be applied. Together
with --base the recording is read from the commit that the change started from.

With --web the plan stands on a page of this machine instead, at an address that opens
it once, in one browser.

With --write-terraform it puts what belongs to Terraform (owner: ami: "terraform") into
the file of variables that the pool states, in place; nothing else is written. What
Terraform's apply does to nodes the plan says (DC852).

With --notice it writes, in place of the plan, a message to send to those who feel it:
whom it affects as far as Domino's database names them, what changes for them, when, and
what they must do.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl plan
  domctl plan prod --out prod.plan && domctl apply prod --plan prod.plan
  domctl plan prod --base origin/main
  domctl plan prod --notice --format markdown
  domctl plan prod --target 'hardwareTiers.gpu-*' --format json`,
		RunE: func(cmd *cobra.Command, args []string) error { return v.run(cmd.Context(), a.dir(args)) },
	}
	planFlags(cmd.Flags(), &v.options)
	v.form = formatFlag(cmd, "json", "markdown")
	cmd.Flags().StringVar(&v.out, "out", "", "also write the plan to this `file`, for apply --plan")
	cmd.Flags().StringVar(&v.from.base, "base", "", "show apart what changed since the files parted from this branch, tag or `commit`")
	cmd.Flags().StringVar(&v.from.head, "head", "", "with --base: plan this branch, tag or `commit`, not the work tree")
	cmd.Flags().StringVar(&v.from.world, "world", "", "plan against this recording of the world, a `file`, without credentials")
	cmd.Flags().BoolVar(&v.onPage, "web", false, "show the plan on a page of this machine, until Ctrl-C")
	cmd.Flags().BoolVar(&v.detailed, "detailed-exitcode", false, "exit with 2 when there are changes")
	cmd.Flags().BoolVar(&v.notice, "notice", false, "write a message to those who feel it: whom, what, when, and what to do")
	cmd.Flags().BoolVar(&v.terraform, "write-terraform", false, "put what Terraform owns into the files of variables that it reads")
	for _, other := range []string{"base", "head", "world", "out", "detailed-exitcode", "write-terraform"} {
		cmd.MarkFlagsMutuallyExclusive("notice", other)
	}
	for _, other := range []string{"base", "head", "world"} {
		cmd.MarkFlagsMutuallyExclusive("write-terraform", other)
	}
	return cmd
}

// planning is what a plan is asked for with.
type planning struct {
	*app
	options                  engine.PlanOptions
	out                      string
	from                     planFrom
	form                     *format
	detailed, onPage, notice bool
	terraform                bool
}

func (v *planning) run(ctx context.Context, dir string) error {
	if v.out == "-" {
		return errors.New("--out - is no file; name one, or print the plan with --format json")
	}
	if v.onPage && v.form.name != "text" {
		return errors.New("--web shows the plan on a page; leave --format out, or --web")
	}
	if err := mayReplace(v.out); err != nil {
		return err
	}
	if v.notice {
		return v.app.notice(ctx, dir, v.options, v.form.name)
	}
	p, err := v.planned(ctx, dir, v.options, v.from)
	if err != nil {
		return err
	}
	if !v.onPage {
		if err := v.show(p, v.form.name); err != nil {
			return err
		}
	}
	if v.out != "" {
		if err := replaceFile(v.out, planner.Encode(p), 0o600); err != nil {
			return fmt.Errorf("plan file %w", err)
		}
	}
	if v.terraform {
		if err := v.writeTerraform(ctx, dir, p); err != nil {
			return err
		}
	}
	if v.onPage {
		if err := v.showOnPage(ctx, dir, p); err != nil {
			return err
		}
	}
	return planExit(p, v.detailed)
}

// planFrom is what a folder's plan is compared with and made against.
type planFrom struct{ base, head, world string }

// planned plans a folder, against a base where one is named.
func (a *app) planned(ctx context.Context, dir string, o engine.PlanOptions, from planFrom) (planner.Plan, error) {
	if from.base != "" {
		return a.plannedAgainst(ctx, dir, o, from)
	}
	if from.head != "" {
		return planner.Plan{}, errors.New("--head goes with --base; without it the work tree is planned")
	}
	d, err := a.compile(ctx, dir)
	if err != nil {
		return planner.Plan{}, err
	}
	if from.world != "" {
		return a.replayed(ctx, d, nil, from.world, o)
	}
	e, err := a.openCompiled(ctx, d, nil, 0)
	if err != nil {
		return planner.Plan{}, err
	}
	return e.Plan(ctx, o)
}

func (a *app) plannedAgainst(ctx context.Context, dir string, o engine.PlanOptions, from planFrom) (planner.Plan, error) {
	c, err := openCommits(ctx, dir, from.base, from.head)
	if err != nil {
		return planner.Plan{}, err
	}
	defer c.close()
	compile := a.compile
	if from.head != "" {
		if c.present, err = c.write(ctx, "head", c.head, "."); err != nil {
			return planner.Plan{}, err
		}
		compile = func(ctx context.Context, dir string) (*deployment, error) { return a.named(ctx, c, dir) }
	}
	d, err := compile(ctx, dir)
	if err != nil {
		return planner.Plan{}, err
	}
	if from.world != "" {
		return a.replayed(ctx, d, c, from.world, o)
	}
	e, err := a.openCompiled(ctx, d, nil, 0)
	if err != nil {
		return planner.Plan{}, err
	}
	f, err := a.former(ctx, c, d.compiled.Desired.Deployment.Name)
	if err != nil {
		return planner.Plan{}, err
	}
	return e.PlanAgainst(ctx, o, f)
}

func planFlags(f *pflag.FlagSet, o *engine.PlanOptions) {
	f.StringArrayVar(&o.Target, "target", nil, "only this `address` or pattern and what it refers to (repeatable)")
	f.StringArrayVar(&o.Exclude, "exclude", nil, "not this `address` or pattern, even where others refer to it (repeatable)")
	f.StringArrayVar(&o.Allow, "allow", nil, "allow `archive`: archive what was applied and is no longer in the files")
	f.StringArrayVar(&o.Rebuild, "rebuild", nil, "build this environment (`address` or pattern) again of the same, without the builder's cache (repeatable)")
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
