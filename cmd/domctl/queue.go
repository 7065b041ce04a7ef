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

type queueShape struct {
	Format int `json:"format"`
	world.Queue
}

func (a *app) queueVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "queue [DIR]", Short: "Say which runs wait, and why", Args: cobra.MaximumNArgs(1),
		Long: `Lists the runs of Domino's database that have not started, longest first, and pods
that no node takes, and says of each why it waits, as far as anybody tells: its
user's quota is used up, its tier or its pool is at its maximum, its NodePool of
Karpenter at its limits, no node of the pool holds it, EC2 has no node for it, what
the scheduler of Kubernetes says, what Domino says. Groups that have fewer nodes than
they are to have are told by themselves, with why the newest launch failed. The
source of each reason is named, and so is one that was not asked, or did not tell
all: what it alone knows is not told. Nothing is written.`,
		Example: "  domctl queue prod\n  domctl queue prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, a.dir(args), form, (*engine.Engine).Queue, func(q world.Queue) any { return queueShape{shapes, q} }, writeQueue)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func writeQueue(out io.Writer, q world.Queue, now time.Time) error {
	if len(q.Waiting) == 0 {
		fmt.Fprintln(out, "Nothing waits that could be seen.")
	} else if err := writeWaiting(out, q, now); err != nil {
		return err
	}
	for _, l := range q.Lacking {
		fmt.Fprintln(out, planner.Printable(fmt.Sprintf("Group %s of pool %s has %d of %s; its newest launch failed %s ago: %s", l.Group, l.Pool, l.Has, planner.Plural(int(l.Wants), "node"), aged(l.Failed, now), l.Text())))
	}
	return writeUnread(out, q.Unread)
}

func writeWaiting(out io.Writer, q world.Queue, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "RUN\tUSER\tTIER\tPOOL\tSTATUS\tWAITS\tWHY")
	for _, r := range q.Waiting {
		reasons := each(r.Why, func(w world.Reason) string { return w.Kind + ": " + w.Text + " (" + w.Source + ")" })
		if len(reasons) == 0 {
			reasons = []string{"unknown"}
		}
		for i, reason := range reasons {
			cells := []string{cmp.Or(r.Run, "pod "+r.Pod), dash(r.User), dash(r.Tier), dash(r.Pool), dash(r.Status), aged(r.Since, now), reason}
			if i > 0 {
				cells = []string{"", "", "", "", "", "", reason}
			}
			fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
		}
	}
	return w.Flush()
}
