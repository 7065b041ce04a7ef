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

type nodeShape struct {
	Format int        `json:"format"`
	Node   world.Node `json:"node"`
}

func (a *app) nodesShowVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "show NODE [DIR]", Short: "Say all there is to know of one machine", Args: cobra.RangeArgs(1, 2),
		Long: `Says of a machine, by the name of its node or its EC2 id, which pool and AMI it is of,
its state and what it waits for, its labels, taints and conditions, what it has, can
allocate and has promised to pods, every pod on it and which run that is of, and what
EC2 tells of it. A source that was not asked, or did not tell all, is named: what it
alone knows is unknown. Nothing is written.`,
		Example: "  domctl nodes show ip-10-0-1-5.us-west-2.compute.internal prod\n  domctl nodes show i-0123456789abcdef0 prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			read := func(e *engine.Engine, ctx context.Context) (world.Node, error) { return e.Node(ctx, args[0]) }
			return show(a, cmd, a.dir(args[1:]), form, read, func(n world.Node) any { return nodeShape{shapes, n} }, writeNode)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func writeNode(out io.Writer, n world.Node, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := lines(w)
	line("node", n.Node)
	line("instance", n.Instance)
	if n.Tier == "" {
		line("pool", poolOf(n))
	} else {
		line("tier", strings.TrimSpace(n.Tier+bracketed(n.Address.String(), "")))
	}
	line("AMI", imageOf(n))
	line("type", n.Type)
	line("zone", n.Zone)
	line("age", aged(n.Created, now))
	line("state", n.State+bracketed(n.By, "by "))
	line("rolled by", n.Apply)
	line("runs", runsText(n.CensusNode))
	line("told by", strings.Join(n.From, ", "))
	line("waits for", strings.Join(n.Waits, "; "))
	line("expected end", strings.TrimPrefix(nodeEnd(n.CensusNode, now), "-"))
	if e := n.EC2; e != nil {
		line("EC2", e.State+bracketed(e.Reason, ""))
		line("launched", e.Launched)
		line("subnet", e.Subnet)
		line("address", e.PrivateIP)
		line("kept by", e.Keeper)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if n.Node != "" {
		writeCluster(out, n, now)
	}
	return writeUnread(out, n.Unread)
}

// writeCluster is what kubectl describe tells of a node.
func writeCluster(out io.Writer, n world.Node, now time.Time) {
	fmt.Fprintln(out, "\nLabels:")
	for _, key := range schema.Sorted(n.Labels) {
		fmt.Fprintln(out, "  "+planner.Printable(key+"="+n.Labels[key]))
	}
	if len(n.Taints) > 0 {
		fmt.Fprintln(out, "\nTaints:")
	}
	for _, t := range n.Taints {
		fmt.Fprintln(out, "  "+planner.Printable(t))
	}
	table := func(title string, rows [][]string) {
		fmt.Fprintln(out, "\n"+title)
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		for _, cells := range rows {
			fmt.Fprintln(w, "  "+strings.Join(each(cells, planner.Printable), "\t"))
		}
		_ = w.Flush() // the last line's write tells what fails
	}
	rows := [][]string{{"TYPE", "STATUS", "SINCE", "REASON", "MESSAGE"}}
	for _, c := range n.Conditions {
		rows = append(rows, []string{c.Type, c.Status, aged(c.Since, now), dash(c.Reason), dash(c.Message)})
	}
	table("Conditions:", rows)
	table("Resources:", roomRows(n))
	if n.Pods == nil {
		fmt.Fprintln(out, "\nIts pods are not known.")
		return
	}
	rows = [][]string{{"POD", "RUN", "PHASE", "AGE", "REQUESTS", "OWNER"}}
	for _, p := range n.Pods {
		phase := p.Phase
		if p.Ending {
			phase += ", ending"
		}
		rows = append(rows, []string{p.Pod, dash(cmp.Or(p.Run, p.Kind)), phase, aged(p.Created, now), roomText(p.Requests.Room), dash(p.Owner)})
	}
	if len(n.Pods) == 0 {
		rows = nil
	}
	table(fmt.Sprintf("Pods: %d", len(n.Pods)), rows)
}

// roomRows are a node's resources, a row each; pods that are not known promise "unknown".
func roomRows(n world.Node) [][]string {
	rows := [][]string{{"RESOURCE", "CAPACITY", "ALLOCATABLE", "REQUESTED"}}
	all := []*world.NodeRoom{n.Capacity, n.Allocatable, n.Requested}
	other := map[string]bool{}
	for _, r := range all {
		if r == nil {
			continue
		}
		for name := range r.Other {
			other[name] = true
		}
	}
	row := func(name string, of func(*world.NodeRoom) int64) {
		cells := []string{name}
		for _, r := range all {
			text := "unknown"
			if r != nil {
				text = strings.TrimSuffix(schema.Remainder{Resource: unitOf(name), Left: of(r)}.Text(), " "+name)
				if name == "cores" {
					text, _, _ = strings.Cut(text, " ")
				}
			}
			cells = append(cells, text)
		}
		rows = append(rows, cells)
	}
	row("cores", func(r *world.NodeRoom) int64 { return r.MilliCores })
	row("memory", func(r *world.NodeRoom) int64 { return r.Memory })
	row("pods", func(r *world.NodeRoom) int64 { return r.Pods })
	for _, name := range schema.Sorted(other) {
		row(name, func(r *world.NodeRoom) int64 { return r.Other[name] })
	}
	return rows
}

// unitOf is the resource that is counted alike: disk and huge pages are bytes, as memory.
// https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/#resource-types
func unitOf(resource string) string {
	if resource == "ephemeral-storage" || strings.HasPrefix(resource, "hugepages-") {
		return "memory"
	}
	return resource
}

// poolOf is the label of a machine's pool, and its address in the files.
func poolOf(n world.Node) string {
	if n.Address == (schema.Address{}) {
		return cmp.Or(n.Pool, "none of the files")
	}
	return strings.TrimSpace(n.Pool + " (" + n.Address.String() + ")")
}

// imageOf is a machine's AMI, what it is called, and whether its pool starts nodes from
// another by now.
func imageOf(n world.Node) string {
	text := cmp.Or(n.AMI, "unknown")
	if n.Image != "" {
		text += ", " + n.Image
	}
	if n.Entry != "" {
		text += ", of amis." + n.Entry
	}
	if n.Current != nil && !*n.Current {
		text += " (old)"
	}
	return text
}

func bracketed(text, before string) string {
	if text == "" {
		return ""
	}
	return " (" + before + text + ")"
}
