package main

import (
	"cmp"
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
	cmd := &cobra.Command{Use: "nodes [DIR]", Short: "Say which machines there are, and what is on them", Args: cobra.MaximumNArgs(1),
		Long: `Lists the nodes of the cluster, where the files state one, the instances of the
groups of the pools of the files, and the executors of a classic deployment, where
deployment.executorInstances says which instances are some: which AMI each is on, and
whether its pool or tier starts another by now, how old it is, the runs that are on
it, its state, and what it waits for. The source that tells of runs is named for each; where none does,
they are unknown, never none. Nothing is written.`,
		Example: "  domctl nodes prod\n  domctl nodes prod --format json\n  domctl nodes show i-0123456789abcdef0 prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, a.dir(args), form, (*engine.Engine).CensusOfNodes, func(c world.NodeCensus) any { return nodesShape{shapes, c} }, writeNodes)
		}}
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
says which of them told. A source that could not be asked is named: what it alone
knows is not told. Nothing is written.`,
		Example: "  domctl runs prod\n  domctl runs prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, a.dir(args), form, (*engine.Engine).CensusOfRuns, func(c world.RunCensus) any { return runsShape{shapes, c} }, writeRuns)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func writeNodes(out io.Writer, c world.NodeCensus, now time.Time) error {
	if len(c.Nodes) == 0 {
		fmt.Fprintln(out, "There is no machine that could be seen.")
		return writeUnread(out, c.Unread)
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "NODE\tPOOL\tAMI\tAGE\tSTATE\tRUNS\tWAITS FOR\tFROM")
	for _, n := range c.Nodes {
		image := cmp.Or(n.AMI, "unknown")
		if n.Current != nil && !*n.Current {
			image += " (old)"
		}
		cells := []string{cmp.Or(n.Node, n.Instance), dash(cmp.Or(n.Pool, tierOf(n.Tier))), image, aged(n.Created, now), n.State, runsText(n), dash(strings.Join(n.Waits, "; ")), dash(strings.Join(n.From, ", "))}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeUnread(out, c.Unread)
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
	fmt.Fprintln(w, "RUN\tROLE\tUSER\tPROJECT\tTIER\tSTATUS\tAGE\tMACHINE\tFROM")
	for _, r := range c.Runs {
		cells := []string{cmp.Or(r.Run, "pod "+r.Pod), r.Role, dash(r.User), dash(r.Project), dash(r.Tier), dash(r.Status), aged(r.Since, now), cmp.Or(r.Node, "unknown"), strings.Join(r.From, ", ")}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return writeUnread(out, c.Unread)
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
