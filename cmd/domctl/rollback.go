package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

func (a *app) rollbackVerb() *cobra.Command {
	var o engine.RollbackOptions
	var before string
	var yes bool
	var parallelism int
	cmd := &cobra.Command{
		Use:   "rollback [DIR]",
		Short: "Take back what an apply did",
		Long: `Plans the way back from the last apply, from --to APPLY, or from every apply
since --before TIME (latest first, each with a plan of its own), shows it, asks,
and does it. What someone changed since is a conflict by name, and forbids the
rollback until it is set back or left out with --exclude; so does an address that
a later apply set. Run again, it does not go further back: that needs --to or
--before.

What was taken back stays off until the files change, or with plan --unlatch.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl rollback prod
  domctl rollback prod --to 20260301-101500-k3v9w2m4q7x1
  domctl rollback prod --before 2026-03-01T10:00:00Z
  domctl rollback prod --target 'hardwareTiers.*' --auto-approve`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.rollback(cmd.Context(), a.dir(args), o, before, yes, parallelism)
		},
	}
	cmd.Flags().StringVar(&o.To, "to", "", "take back this `apply`; \"last\", or none given, is the last one that did something")
	cmd.Flags().StringVar(&before, "before", "", "take back every apply since this `time`: 2026-03-01T10:00:00Z, 2026-03-01, 90m, 7d")
	cmd.Flags().StringArrayVar(&o.Target, "target", nil, "only this `address` or pattern (repeatable)")
	cmd.Flags().StringArrayVar(&o.Exclude, "exclude", nil, "not this `address` or pattern (repeatable)")
	cmd.Flags().BoolVar(&yes, "auto-approve", false, "do not ask")
	cmd.Flags().IntVar(&parallelism, "parallelism", 10, "how many steps run side by side")
	cmd.MarkFlagsMutuallyExclusive("to", "before")
	return cmd
}

func (a *app) rollback(ctx context.Context, dir string, o engine.RollbackOptions, before string, yes bool, parallelism int) error {
	if err := sideBySide(parallelism); err != nil {
		return err
	}
	e, err := a.openBack(ctx, dir, a.progress, parallelism)
	if err != nil {
		return err
	}
	if before != "" {
		if o.Before, err = engine.ParseTime(before, e.Clock.Now()); err != nil {
			return fmt.Errorf("--before: %w", err)
		}
	}
	ids, err := e.Rollbacks(ctx, o)
	if err != nil {
		return err
	}
	if !yes {
		o.End = a.askEnd
	}
	for _, id := range ids {
		p, err := e.Rollback(ctx, id, o)
		if err != nil {
			return err
		}
		if err := a.carryOut(ctx, e, p, yes); err != nil {
			return err
		}
	}
	return nil
}

// askEnd asks before an apply that may still run is ended.
func (a *app) askEnd(ctx context.Context, s applier.Summary) error {
	return a.ask(ctx, fmt.Sprintf("Apply %s of %s has not ended. End it, to see what there is to take back? What it began is finished or taken back by that: a build it waits for is cancelled, a roll stops where it is.", s.ID, planner.Printable(s.By)))
}
