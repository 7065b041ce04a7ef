package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
)

func (a *app) runsShowVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "show RUN [DIR]", Short: "Say all there is to know of one live run", Args: cobra.RangeArgs(1, 2),
		Long: `Says of a run that has not ended, by its id, whose it is, of which project and hardware
tier, since when it runs, when it is expected to end, by which runs like it, and each
machine that it is on: of a Spark, Ray or Dask cluster, each of its nodes. Nothing is
written.`,
		Example: "  domctl runs show 65f0000000000000000000e1 prod\n  domctl runs show 65f0000000000000000000e1 prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			read := func(e *engine.Engine, ctx context.Context) (world.RunCensus, error) {
				all, err := e.CensusOfRuns(ctx)
				if err != nil {
					return all, err
				}
				return all.Of(args[0])
			}
			return show(a, cmd, a.dir(args[1:]), form, read, func(c world.RunCensus) any { return runsShape{shapes, c} }, writeRun)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func writeRun(out io.Writer, c world.RunCensus, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := lines(w)
	r := c.Runs[0]
	line("run", r.Run)
	line("kind", r.Kind)
	line("title", r.Title)
	line("user", r.User)
	line("project", r.Project)
	line("tier", r.Tier)
	line("age", aged(r.Since, now))
	line("expected end", endText(r.End, now))
	if e := r.End; e != nil {
		line("", fmt.Sprintf("as %d runs of its tier and project tell that lasted longer (%s)", e.Of, e.From))
	}
	fmt.Fprintln(w, "\nROLE\tSTATUS\tMACHINE\tPOD\tFROM")
	for _, r := range c.Runs {
		cells := []string{r.Role, dash(r.Status), dash(r.Node), dash(r.Pod), strings.Join(r.From, ", ")}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeUnread(out, c.Unread)
}
