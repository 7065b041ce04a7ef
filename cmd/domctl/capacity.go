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
	"domctl.dev/schema"
)

type capacityShape struct {
	Format int `json:"format"`
	world.Capacity
}

func (a *app) capacityVerb() *cobra.Command {
	var form *format
	var window string
	cmd := &cobra.Command{Use: "capacity [DIR]", Short: "Say how many executions of each tier the node pools hold", Args: cobra.MaximumNArgs(1),
		Long: `Says of each node pool what its nodes leave executions, and of each hardware tier
that names it, declared or not: how many executions fit on a node, what they leave
of it, how many the pool holds at its maximum, and the largest Spark, Ray or Dask
cluster of one user, of which each node takes one execution of the user's quota.
Where live nodes can be asked, what they can allocate counts, less what their
daemons ask for; else the instance type, less the pool's overhead. It says which.
Sizes and tiers are as the files have them, over what lives. Costs are shown where
deployment.prices states what a node costs. PEAK is the most nodes that executions
of the window needed at one time, at least, where the files say where runs name
their tier. Nothing is written. What is not known
is "unknown", never none.`,
		Example: "  domctl capacity prod\n  domctl capacity prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			back, err := schema.ParseDuration(window)
			if err != nil {
				return fmt.Errorf("--window: %w", err)
			}
			var findings []schema.Finding
			read := func(e *engine.Engine, ctx context.Context) (world.Capacity, error) {
				c, err := e.Capacity(ctx, back)
				findings = c.Findings
				return c, err
			}
			err = show(a, cmd, a.dir(args), form, read, func(c world.Capacity) any { return capacityShape{shapes, c} }, writeCapacity)
			if err == nil {
				err = a.tellFindings(findings)
			}
			if err == nil && schema.Failed(findings) {
				return exitCode(1)
			}
			return err
		}}
	cmd.Flags().StringVar(&window, "window", "30d", "how far back runs count for the peak")
	form = formatFlag(cmd, "json")
	return cmd
}

func writeCapacity(out io.Writer, c world.Capacity, _ time.Time) error {
	if len(c.Pools) == 0 {
		_, err := fmt.Fprintln(out, "There are no node pools, and no tier names one.")
		return err
	}
	if err := writePools(out, c); err != nil {
		return err
	}
	fmt.Fprintln(out)
	if err := writeTiers(out, c); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nA user may run %s at a time (%s). Each node of a Spark, Ray or Dask cluster is one\nof them: CLUSTER is the most nodes of one, with nothing else of its user's under way.\n", planner.Plural(int(c.Quota), "execution"), c.QuotaFrom)
	if c.Nodes != "" {
		fmt.Fprintf(out, "Live nodes are not known: %s.\n", planner.Printable(c.Nodes))
	}
	if c.NoPeak != "" {
		fmt.Fprintf(out, "Peaks are not known: %s.\n", planner.Printable(c.NoPeak))
	}
	return nil
}

func writePools(out io.Writer, c world.Capacity) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "POOL\tNODE\tBY\tFOR EXECUTIONS\tNODES\tLIVE\tPEAK\tUSD/HOUR\tAT MAXIMUM\tSCALE-DOWN")
	for _, p := range c.Pools {
		size := "unknown"
		if p.Min != nil && p.Max != nil {
			size = fmt.Sprintf("%d to %d", *p.Min, *p.Max)
		}
		if p.Limits != nil {
			size = limitsText(*p.Limits, p.Max)
		}
		if len(p.Nodes) == 0 {
			p.Nodes = []world.NodeCapacity{{Type: "unknown", From: "-"}}
		}
		for _, n := range p.Nodes {
			room := "unknown"
			if n.From != "-" {
				room = roomText(n.Room)
			}
			live := "unknown"
			if p.Live != nil {
				live = fmt.Sprint(n.Live)
			}
			cells := []string{p.Label, cmp.Or(n.Type, "unknown"), n.From, room, size, live, peakText(c, p), usd(n.PerHour), usd(p.PerHour), scaleText(p)}
			fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
		}
	}
	return w.Flush()
}

// limitsText is what the nodes of a pool of Karpenter's may have together, and how many that
// comes to.
func limitsText(l world.PoolLimits, most *int64) string {
	var all []string
	if l.Cores > 0 {
		all = append(all, schema.CoresText(l.Cores))
	}
	if l.Memory > 0 {
		all = append(all, schema.CanonicalBytes(l.Memory))
	}
	switch {
	case len(all) == 0:
		return "no limit"
	case most != nil:
		return fmt.Sprintf("0 to %d (%s)", *most, strings.Join(all, ", "))
	}
	return "up to " + strings.Join(all, ", ")
}

// peakText is the most nodes that were needed; "-" where no run of the window counts.
func peakText(c world.Capacity, p world.PoolCapacity) string {
	switch {
	case c.NoPeak != "":
		return "unknown"
	case p.Peak == nil:
		return "-"
	}
	return fmt.Sprint(p.Peak.Nodes)
}

// scaleText is the scale-down delay of a pool's groups; "not tagged" leaves it to the
// autoscaler's own.
func scaleText(p world.PoolCapacity) string {
	if len(p.ScaleDown) == 0 {
		return "unknown"
	}
	return strings.Join(each(p.ScaleDown, func(s string) string { return cmp.Or(s, "not tagged") }), ", ")
}

func writeTiers(out io.Writer, c world.Capacity) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "TIER\tPOOL\tNODE\tPER NODE\tLEFT UNUSED\tAT MAXIMUM\tCLUSTER\tUSD/HOUR\tCHARGED")
	for _, p := range c.Pools {
		for _, t := range p.Tiers {
			if len(t.On) == 0 {
				t.On = []world.OnNode{{Type: "unknown"}}
			}
			for _, on := range t.On {
				left := "unknown"
				if on.N != nil {
					left = leftText(on.Left)
				}
				cells := []string{t.Tier, p.Label, cmp.Or(on.Type, "unknown"), counted(on.N), left, counted(t.AtMaximum), counted(t.Cluster), usd(t.PerHour), usd(t.Charged)}
				fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
			}
		}
	}
	return w.Flush()
}

// roomText is "7.5 cores, 31.5GiB, 1 nvidia.com/gpu"; none of a resource is left out.
func roomText(r schema.Room) string {
	parts := []string{schema.Remainder{Resource: "cores", Left: r.MilliCores}.Text(), schema.Remainder{Resource: "memory", Left: r.Memory}.Text()}
	for _, name := range schema.Sorted(r.Other) {
		if r.Other[name] > 0 {
			parts = append(parts, schema.Remainder{Resource: name, Left: r.Other[name]}.Text())
		}
	}
	return strings.Join(parts, ", ")
}

// leftText says what is left of each resource that is not used up.
func leftText(left []schema.Remainder) string {
	var parts []string
	for _, l := range left {
		if l.Left != 0 {
			parts = append(parts, fmt.Sprintf("%s (%.0f %%)", l.Text(), l.Share*100))
		}
	}
	return cmp.Or(strings.Join(parts, ", "), "nothing")
}

func counted(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return fmt.Sprint(*n)
}

func usd(n *float64) string {
	if n == nil {
		return "-"
	}
	return fmt.Sprintf("%.2f", *n)
}
