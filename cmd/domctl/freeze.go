package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) freezeVerb() *cobra.Command {
	var until, why string
	var lift bool
	cmd := &cobra.Command{
		Use:   "freeze [DIR]",
		Short: "Keep anything from being applied until a time",
		Long: `Keeps a deployment as it is until a time: no apply begins, none that waits goes on,
and no controller does anything, wherever it runs. Calls in flight are finished.
Rollbacks work. It is over by itself at its time; --lift ends it at once.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl freeze prod --until 8h --why 'the quarter closes'
  domctl freeze prod --until 2026-12-01T06:00:00Z --why 'the quarter closes'
  domctl freeze prod --lift`,
		RunE: func(cmd *cobra.Command, args []string) error {
			f := applier.Freeze{Why: why, Who: person()}
			if !lift && (until == "" || why == "") {
				return errors.New("state --until, a time or how long from now, and --why, the reason; --lift ends a freeze")
			}
			e, err := a.openRecords(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			if lift {
				return a.lift(cmd.Context(), e, f)
			}
			if f.Until, err = soon(until, e.Clock.Now()); err != nil {
				return fmt.Errorf("--until: %w", err)
			}
			if err := e.Applier.Freeze(cmd.Context(), f); err != nil {
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s is %s.\n", planner.Printable(e.Compiled.Desired.Deployment.Name), f)
			return err
		},
	}
	cmd.Flags().StringVar(&until, "until", "", "a `time`, or how long from now: 2026-12-01T06:00:00Z, 2026-12-01, 90m, 7d")
	cmd.Flags().StringVar(&why, "why", "", "the `reason`, which is shown to whoever waits")
	cmd.Flags().BoolVar(&lift, "lift", false, "end the freeze")
	cmd.MarkFlagsMutuallyExclusive("lift", "until")
	cmd.MarkFlagsMutuallyExclusive("lift", "why")
	return cmd
}

// lift ends a freeze, and says which that was and what has not ended since.
func (a *app) lift(ctx context.Context, e *engine.Engine, f applier.Freeze) error {
	name := planner.Printable(e.Compiled.Desired.Deployment.Name)
	was, _, err := applier.ReadFreeze(ctx, e.Store)
	if err != nil {
		return err
	}
	if f.Until = e.Clock.Now(); !was.Holds(f.Until) {
		_, err = fmt.Fprintf(a.stdout, "%s was not frozen: nothing is lifted.\n", name)
		return err
	}
	f.Why = "lifted"
	if err := e.Applier.Freeze(ctx, f); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%s is no longer frozen; it was %s.\n", name, was)
	open, err := e.Applier.OpenApplies(ctx)
	for _, id := range open {
		a.tell("hint", fmt.Sprintf("apply %s has not ended: where no domctl waits with it any more, domctl apply --resume %[1]s goes on", id))
	}
	return err
}

// soon reads a time that is to come.
func soon(text string, now time.Time) (at time.Time, err error) {
	if d, err := schema.ParseDuration(text); err == nil {
		at = now.Add(d)
	} else if at, err = engine.ParseTime(text, now); err != nil {
		return at, fmt.Errorf("%q is not a time; write 2026-12-01, 2026-12-01T06:00:00Z, or how long from now: 90m, 7d", text)
	}
	if !at.After(now) {
		return at, fmt.Errorf("%s is over", text)
	}
	return at, nil
}
