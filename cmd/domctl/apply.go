package main

import (
	"context"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

type applyFlags struct {
	plan, resume string
	yes          bool
	parallelism  int
	options      engine.PlanOptions
}

func (a *app) applyVerb() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Do what the plan says",
		Long: `Plans, shows the plan, asks, and does it. With --plan it does what a saved plan
says, and nothing if that is not what was saved, ran before, or speaks of
something that moved since.

Ctrl-C finishes the call in flight, writes the records, frees the lock and says
how to go on; a second Ctrl-C ends domctl at once.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl apply prod
  domctl apply prod --plan prod.plan --auto-approve
  domctl apply prod --target 'hardwareTiers.*'
  domctl apply prod --resume last`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.apply(cmd.Context(), dir(args), f) },
	}
	cmd.Flags().StringVar(&f.plan, "plan", "", "apply this plan `file` and nothing else")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with this `apply`; \"last\" is the only one that has not ended")
	cmd.Flags().BoolVar(&f.yes, "auto-approve", false, "do not ask")
	cmd.Flags().IntVar(&f.parallelism, "parallelism", 10, "how many steps run side by side")
	planFlags(cmd.Flags(), &f.options)
	cmd.MarkFlagsMutuallyExclusive("plan", "resume")
	for _, narrows := range []string{"target", "exclude", "allow", "unlatch"} {
		cmd.MarkFlagsMutuallyExclusive("plan", "resume", narrows)
	}
	return cmd
}

func (a *app) apply(ctx context.Context, dir string, f applyFlags) error {
	if err := sideBySide(f.parallelism); err != nil {
		return err
	}
	e, err := a.open(ctx, dir, a.progress, f.parallelism)
	if err != nil {
		return err
	}
	if f.resume != "" {
		return a.resume(ctx, e, f.resume)
	}
	p, err := a.planFor(ctx, e, f)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, e, p, f.yes)
}

func sideBySide(parallelism int) error {
	if parallelism < 1 {
		return fmt.Errorf("--parallelism is %d; at least one step must run", parallelism)
	}
	return nil
}

func (a *app) resume(ctx context.Context, e *engine.Engine, id string) error {
	if id == "last" {
		last, err := e.Unended(ctx)
		if err != nil {
			return err
		}
		id = last
	}
	s, err := e.Story(ctx, id)
	if err != nil {
		return err
	}
	defer a.hush(ctx)()
	res, err := e.Applier.Resume(ctx, id)
	return a.ended(s.Plan, res, err)
}

// planFor reads the plan file, or plans.
func (a *app) planFor(ctx context.Context, e *engine.Engine, f applyFlags) (planner.Plan, error) {
	if f.plan == "" {
		return e.Plan(ctx, f.options)
	}
	b, err := os.ReadFile(f.plan)
	if err != nil {
		return planner.Plan{}, fmt.Errorf("plan file: %w; domctl plan --out %s makes one", err, f.plan)
	}
	p, err := planner.Decode(b)
	if err != nil {
		return p, fmt.Errorf("%s: %w", f.plan, err)
	}
	return p, e.Fits(p)
}
