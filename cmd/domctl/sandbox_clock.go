package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

func (a *app) sandboxClockVerb() *cobra.Command {
	var speed int64
	var pass string
	cmd := &cobra.Command{
		Use: "clock [DIR]", Short: "Say what time it is in the sandbox, or let time pass faster there", Args: cobra.MaximumNArgs(1),
		Long: `Says what the sandbox's clock shows. With --speed it goes so many times as fast as
the wall from there: instances start, runs end, windows open and what domctl waits
for comes that much sooner, for every domctl at work on this sandbox, also one that
waits already. With --pass so much time passes at once. It never goes back, but
with domctl sandbox reset.

Records bear the sandbox's time. A lock is held, and a call that does not answer given up, by
the wall. A live deployment has no such clock.`,
		Example: "  domctl sandbox clock prod\n  domctl sandbox clock prod --speed 600\n  domctl sandbox clock prod --pass 8h",
		RunE: func(cmd *cobra.Command, args []string) error {
			world, err := openSandbox(a.dir(args))
			if err != nil {
				return err
			}
			stated := cmd.Flags().Changed("speed")
			if stated && speed < 1 {
				return fmt.Errorf("--speed is %d; it is 1 by the wall, 600 lets ten minutes pass in a second", speed)
			}
			var d time.Duration
			if pass != "" {
				if d, err = schema.ParseDuration(pass); err != nil {
					return fmt.Errorf("--pass: %w", err)
				}
			}
			if stated || d > 0 {
				if err := world.SetClock(cmd.Context(), speed, d); err != nil {
					return fmt.Errorf("sandbox: %w", err)
				}
			}
			_, err = fmt.Fprintln(a.stdout, shownClock(world))
			return err
		},
	}
	cmd.Flags().Int64Var(&speed, "speed", 0, "how many `times` as fast as the wall it goes")
	cmd.Flags().StringVar(&pass, "pass", "", "let a `time` pass at once: 90m, 8h, 7d")
	return cmd
}

func shownClock(w *sandbox.World) string {
	text := "The sandbox's clock shows " + w.Now().UTC().Format(time.RFC3339)
	switch times, own := w.Speed(); {
	case !own:
		return text + ", as the wall's."
	case times == 1:
		return text + ", and goes as fast as the wall's."
	default:
		return fmt.Sprintf("%s, and goes %d times as fast as the wall's.", text, times)
	}
}
