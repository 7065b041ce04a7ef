package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/port"
	"domctl.dev/planner"
)

func (a *app) environmentsLogVerb() *cobra.Command {
	var number int64
	var follow bool
	var tail int
	cmd := &cobra.Command{Use: "log ENVIRONMENT [DIR]", Short: "Show what the build of a revision wrote", Args: cobra.RangeArgs(1, 2),
		Long: `Shows the log of the build of an environment's newest revision, or of the one that
--revision names; with --follow until the build is over. The values of variables
that the files do not state in the clear are hidden in it, and what a terminal
would act on is shown harmless. The exit code is 1 when the build failed.`,
		Example: "  domctl environments log spark prod\n  domctl environments log spark prod --revision 4 --tail 50\n  domctl environments log spark prod --follow",
		RunE: func(cmd *cobra.Command, args []string) error {
			if tail < 0 || number < 0 {
				return fmt.Errorf("--tail and --revision take a number from 1 on")
			}
			e, err := a.open(cmd.Context(), a.dir(args[1:]), nil, 1)
			if err != nil {
				return err
			}
			return a.environmentLog(cmd.Context(), e, args[0], number, follow, tail)
		}}
	cmd.Flags().Int64Var(&number, "revision", 0, "the `number` of the revision; not stated, the newest one's")
	cmd.Flags().BoolVarP(&follow, "follow", "f", false, "go on until the build is over")
	cmd.Flags().IntVar(&tail, "tail", 0, "begin so many `lines` before the end of what is there")
	return cmd
}

func (a *app) environmentLog(ctx context.Context, e *engine.Engine, name string, number int64, follow bool, tail int) error {
	of, err := e.Environment(ctx, name, engine.Look{})
	if err != nil {
		return err
	}
	revision, err := of.Revision(number, name)
	if err != nil {
		return err
	}
	first, wrote := true, false
	status, err := e.BuildLog(ctx, of, revision, follow, func(lines []string) error {
		if first && tail > 0 {
			lines = lines[max(len(lines)-tail, 0):]
		}
		first, wrote = false, wrote || len(lines) > 0
		for _, line := range lines {
			if _, err := fmt.Fprintln(a.stdout, line); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if !wrote {
		a.tell("info", fmt.Sprintf("there is no log of revision %d", revision.Number))
	}
	switch status {
	case port.BuildSucceeded:
	case port.BuildFailed:
		a.tell("error", fmt.Sprintf("the build of revision %d failed", revision.Number))
		return exitCode(1)
	default:
		a.tell("info", fmt.Sprintf("revision %d: %s", revision.Number, planner.Printable(status)))
	}
	return nil
}

func (a *app) environmentsCancelVerb() *cobra.Command {
	var force bool
	cmd := &cobra.Command{Use: "cancel ENVIRONMENT [DIR]", Short: "Cancel the build of an environment that is under way", Args: cobra.RangeArgs(1, 2),
		Long: `Cancels the newest build of an environment that is under way. One that somebody else
began is asked about, or takes --force: by the apply that waits for it, else by
who saved the revision in Domino. The active revision stays. The records say
beforehand who cancels what (domctl history --audit shows it). An apply that
waits for the build ends with DC361.`,
		Example: "  domctl environments cancel spark prod\n  domctl environments cancel spark prod --force",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.open(cmd.Context(), a.dir(args[1:]), nil, 1)
			if err != nil {
				return err
			}
			return a.environmentCancel(cmd.Context(), e, args[0], force)
		}}
	cmd.Flags().BoolVar(&force, "force", false, "do not ask whose build it is")
	return cmd
}

func (a *app) environmentCancel(ctx context.Context, e *engine.Engine, name string, force bool) error {
	of, err := e.Environment(ctx, name, engine.Look{})
	if err != nil {
		return err
	}
	running, err := e.Running(ctx, of)
	if err != nil {
		return err
	}
	what := fmt.Sprintf("The build of revision %d of %s (%s) is of %s.", running.Revision.Number, planner.Printable(of.Name), planner.Printable(running.Status), running.Whose)
	if !running.Own && !force {
		if !a.terminal {
			return fmt.Errorf("DC373: %s; --force cancels it all the same", strings.TrimSuffix(strings.Replace(what, "The", "the", 1), "."))
		}
		if err := a.ask(ctx, what+" Cancel it?"); err != nil {
			return err
		}
	}
	status, err := e.CancelBuild(ctx, running)
	if err != nil {
		return err
	}
	if status != port.BuildKilled {
		fmt.Fprintf(a.stdout, "The build of revision %d is %s.\n", running.Revision.Number, planner.Printable(status))
		return nil
	}
	fmt.Fprintf(a.stdout, "Cancelled the build of revision %d of %s.\n", running.Revision.Number, planner.Printable(of.Name))
	if running.Apply != "" {
		a.tell("hint", "apply "+running.Apply+" waits for it, and ends; domctl apply --supersede "+running.Apply+" makes another revision")
	}
	return nil
}
