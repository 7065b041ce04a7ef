package main

import (
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
				return errors.New("state --until and --why; --lift ends a freeze")
			}
			e, err := a.openRecords(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			if f.Until = e.Clock.Now(); lift {
				f.Why = "lifted"
			} else if f.Until, err = soon(until, f.Until); err != nil {
				return fmt.Errorf("--until: %w", err)
			}
			if err := e.Applier.Freeze(cmd.Context(), f); err != nil {
				return err
			}
			name := planner.Printable(e.Compiled.Desired.Deployment.Name)
			if lift {
				_, err = fmt.Fprintf(a.stdout, "%s is not frozen.\n", name)
				return err
			}
			_, err = fmt.Fprintf(a.stdout, "%s is %s.\n", name, f)
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
