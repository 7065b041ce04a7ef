package main

import (
	"cmp"
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

type nodesShape struct {
	Format int `json:"format"`
	world.NodeCensus
}

type runsShape struct {
	Format int `json:"format"`
	world.RunCensus
}

func (a *app) nodesVerb() *cobra.Command {
	var form *format
	var watch bool
	var interval string
	cmd := &cobra.Command{Use: "nodes [DIR]", Short: "Say which machines there are, and what is on them", Args: cobra.MaximumNArgs(1),
		Long: `Lists the nodes of the cluster, where the files state one, the instances of the
groups of the pools of the files, and the executors of a classic deployment, where
deployment.executorInstances says which instances are some: which AMI each is on, and
whether its pool or tier starts another by now, how old it is, the runs that are on
it, its state, what it waits for, and when that is expected to end. The source that
tells of runs is named for each; where none does, they are unknown, never none.
Nothing is written.

--watch looks again each --interval until Ctrl-C. On a terminal the table is drawn in
place, in a pipe a row is added for each machine that came, differs or went ("gone");
with --format json an object a line. A source that fails meanwhile is said, and
watching goes on; what it alone told of has not gone.`,
		Example: "  domctl nodes prod\n  domctl nodes prod --watch\n  domctl nodes prod --format json\n  domctl nodes show i-0123456789abcdef0 prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			if every, err := watchEvery(watch, interval, cmd.Flags().Changed("interval")); err != nil {
				return err
			} else if watch {
				e, err := a.open(cmd.Context(), a.dir(args), nil, 1)
				if err != nil {
					return err
				}
				return a.watchNodes(cmd.Context(), cmd.CommandPath()+" "+a.dir(args), every, form.json(), e.CensusOfNodes, e.Clock.Now)
			}
			var noPools error
			read := func(e *engine.Engine, ctx context.Context) (world.NodeCensus, error) {
				c, err := e.CensusOfNodes(ctx)
				noPools = c.NoPools
				return c, err
			}
			err := show(a, cmd, a.dir(args), form, read, func(c world.NodeCensus) any { return nodesShape{shapes, c} }, writeNodes)
			if err == nil && noPools != nil {
				return fmt.Errorf("the node pools could not be read: %s; instances of theirs that are no nodes may be missing, and no image is told to be old\nhint: domctl doctor says what the role lacks", oneLine(noPools.Error()))
			}
			return err
		}}
	cmd.Flags().BoolVarP(&watch, "watch", "w", false, "look again and again, and show what changes")
	cmd.Flags().StringVar(&interval, "interval", usualLook, "how often to look, with --watch")
	form = formatFlag(cmd, "json")
	cmd.AddCommand(a.nodesShowVerb())
	return cmd
}

func (a *app) runsVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "runs [DIR]", Short: "Say which runs are live, and on which machines", Args: cobra.MaximumNArgs(1),
		Long: `Lists the runs that have not ended, each machine of one as a row: of a Spark, Ray
or Dask cluster, each of its nodes. Which machine that is comes from Domino's API,
from the pods of the cluster, or from Domino's database, where
deployment.mongo.mapping.executorGroups.fields.runs says where a run names it; FROM
says which of them told. A source that was not asked, or did not tell all, is named:
what it alone knows is not told. EXPECTED END is a guess by the runs of the same tier
and project that ended lately: by then half, and nine of ten, of those had that lasted
longer. Nothing is written.`,
		Example: "  domctl runs prod\n  domctl runs prod --format json\n  domctl runs show 65f0000000000000000000e1 prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, a.dir(args), form, (*engine.Engine).CensusOfRuns, func(c world.RunCensus) any { return runsShape{shapes, c} }, writeRuns)
		}}
	form = formatFlag(cmd, "json")
	cmd.AddCommand(a.runsShowVerb())
	return cmd
}

func writeNodes(out io.Writer, c world.NodeCensus, now time.Time) error {
	if len(c.Nodes) == 0 {
		fmt.Fprintln(out, "There is no machine that could be seen.")
		return writeUnread(out, c.Unread)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, strings.Join(nodeColumns, "\t"))
	for _, n := range c.Nodes {
		fmt.Fprintln(w, strings.Join(nodeCells(n, now), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeUnread(out, c.Unread)
}

// nodeColumns are of the table of nodes, and stateColumn which one the state is.
var nodeColumns = []string{"NODE", "POOL", "AMI", "AGE", "STATE", "RUNS", "WAITS FOR", "EXPECTED END", "FROM"}

const stateColumn = 4

func nodeCells(n world.CensusNode, now time.Time) []string {
	image := cmp.Or(n.AMI, "unknown")
	if n.Current != nil && !*n.Current {
		image += " (old)"
	}
	return each([]string{cmp.Or(n.Node, n.Instance), dash(cmp.Or(n.Pool, tierOf(n.Tier))), image, aged(n.Created, now), n.State, runsText(n), dash(strings.Join(n.Waits, "; ")), nodeEnd(n, now), dash(strings.Join(n.From, ", "))}, planner.Printable)
}

// tierOf is the tier of an executor, where nodes have their pool.
func tierOf(tier string) string {
	if tier == "" {
		return ""
	}
	return "tier " + tier
}

// runsText is what is on a machine; "-" for nothing.
func runsText(n world.CensusNode) string {
	if n.Runs == nil {
		return "unknown"
	}
	return dash(strings.Join(n.Runs, ", "))
}

func writeRuns(out io.Writer, c world.RunCensus, now time.Time) error {
	if len(c.Runs) == 0 {
		fmt.Fprintln(out, "No run is live that could be seen.")
		return writeUnread(out, c.Unread)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tWORKLOAD\tUSER\tPROJECT\tTIER\tSTATUS\tAGE\tEXPECTED END\tMACHINE\tPOD\tFROM")
	for _, r := range c.Runs {
		cells := []string{cmp.Or(r.Run, "-"), workload(r), dash(r.User), dash(r.Project), dash(r.Tier), dash(r.Status), aged(r.Since, now), endText(r.End, now), cmp.Or(r.Node, "unknown"), dash(r.Pod), strings.Join(r.From, ", ")}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeUnread(out, c.Unread)
}

// workload is what kind of run it is, or what of its cluster a machine is.
func workload(r world.RunUnit) string {
	if r.Role != "run" {
		return r.Role
	}
	return cmp.Or(r.Kind, r.Role)
}

// nodeEnd is when a machine that no run gets on to is expected to be empty, and what its
// roll does at its deadline; "-" where nothing is on its way out.
func nodeEnd(n world.CensusNode, now time.Time) string {
	var parts []string
	if (n.State == "cordoned" || n.State == "maintenance") && (n.Runs == nil || len(n.Runs) > 0) {
		parts = append(parts, endText(n.End, now))
	}
	if d := n.Deadline; d != nil && d.Force {
		parts = append(parts, span(d.At.Sub(now))+" at the latest")
	} else if d != nil {
		parts = append(parts, "given up after "+span(d.At.Sub(now)))
	}
	return dash(strings.Join(parts, ", "))
}

// endText is a guess as "~2h to 5h": by then half, and nine of ten, of the runs like it
// had ended.
func endText(e *world.End, now time.Time) string {
	if e == nil {
		return "unknown"
	}
	at, late := span(e.At.Sub(now)), span(e.Late.Sub(now))
	if at == late {
		return "~" + at
	}
	return "~" + at + " to " + late
}

// span is a duration from now on in minutes, from two hours on in hours, from two days on
// in days, rounded up.
func span(d time.Duration) string {
	up := func(unit time.Duration) time.Duration { return (max(d, 0) + unit - 1) / unit }
	switch {
	case d > 48*time.Hour:
		return fmt.Sprintf("%dd", up(24*time.Hour))
	case d > 2*time.Hour:
		return fmt.Sprintf("%dh", up(time.Hour))
	}
	return fmt.Sprintf("%dm", up(time.Minute))
}

func writeUnread(out io.Writer, all []world.Unread) error {
	for _, u := range all {
		if _, err := fmt.Fprintln(out, planner.Printable(u.String())); err != nil {
			return err
		}
	}
	return nil
}

// aged is how long ago that was.
func aged(at, now time.Time) string {
	if at.IsZero() {
		return "unknown"
	}
	return age(at.Format(time.RFC3339), now)
}
