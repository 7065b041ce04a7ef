package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) gcVerb() *cobra.Command {
	var form *format
	var yes bool
	var parallelism int
	cmd := &cobra.Command{
		Use:   "gc [DIR]",
		Short: "Remove what applies left behind",
		Long: `Finds instances, volumes, images, snapshots, launch template versions and launch
configurations that applies of this deployment made, that nothing refers to, and
whose apply has ended; shows them, asks, and removes them. What carries domctl's
tags and is not borne out by the records of this deployment and by what EC2 itself
says of it is shown, and stays. So do key pairs and security groups with such tags,
since domctl makes none, and what an apply that has not ended made or reserves.
Of other regions it looks at copies of images, where an apply began to make one.
Images that amis has on record are retain's matter.

It is recorded as an apply is: history shows it, and one that was cut off goes on
with "domctl apply --resume". Nothing takes it back. With --format json it lists,
and removes nothing.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl gc prod\n  domctl gc prod --auto-approve\n  domctl gc prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.gc(cmd.Context(), a.dir(args), form.json(), yes, parallelism)
		},
	}
	form = formatFlag(cmd, "json")
	cmd.Flags().BoolVar(&yes, "auto-approve", false, "do not ask")
	cmd.Flags().IntVar(&parallelism, "parallelism", 10, "how many steps run side by side")
	return cmd
}

func (a *app) gc(ctx context.Context, dir string, json, yes bool, parallelism int) error {
	if err := sideBySide(parallelism); err != nil {
		return err
	}
	e, err := a.open(ctx, dir, a.progress, parallelism)
	if err != nil {
		return err
	}
	left, p, err := e.Collect(ctx)
	switch {
	case err != nil:
		return err
	case json:
		return a.json(shapeOfLeftovers(left))
	}
	if err := writeLeftovers(a.stdout, left, e.Clock.Now()); err != nil || p.Empty() {
		return err
	}
	if !yes {
		if err := a.ask(ctx, fmt.Sprintf("Remove %s of %s for good?", planner.Plural(len(p.Steps), "object"), p.Deployment)); err != nil {
			return err
		}
	}
	return a.run(ctx, e, p)
}

type leftoversShape struct {
	Format int             `json:"format"`
	Left   []leftoverShape `json:"left"`
}

type leftoverShape struct {
	Object  planner.Ref     `json:"object"`
	Name    string          `json:"name,omitempty"`
	Created string          `json:"created,omitempty"`
	Address *schema.Address `json:"address,omitempty"`
	Apply   string          `json:"apply,omitempty"`
	Goes    bool            `json:"goes"`
	Why     string          `json:"why"`
}

func shapeOfLeftovers(left []world.Leftover) leftoversShape {
	shape := leftoversShape{Format: shapes, Left: []leftoverShape{}}
	for _, o := range left {
		one := leftoverShape{Object: o.Object, Name: o.Name, Created: o.Created, Apply: o.Apply, Goes: o.Goes, Why: o.Why}
		if o.Address != (schema.Address{}) {
			one.Address = &o.Address
		}
		shape.Left = append(shape.Left, one)
	}
	return shape
}

func writeLeftovers(out io.Writer, left []world.Leftover, now time.Time) error {
	if len(left) == 0 {
		_, err := fmt.Fprintln(out, "Nothing is left behind.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tOBJECT\tFOR\tAGE\tWHY")
	goes := 0
	for _, o := range left {
		mark, of, old := "", "-", "-"
		if o.Goes {
			mark, goes = "-", goes+1
		}
		if o.Address != (schema.Address{}) {
			of = o.Address.String()
		}
		if o.Created != "" {
			old = age(o.Created, now)
		}
		fmt.Fprintln(w, strings.Join(each([]string{mark, string(o.Object), of, old, o.Why}, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "\n%d of %s to remove.\n", goes, planner.Plural(len(left), "object"))
	return err
}
