package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) snapshotsVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "snapshots", Short: "See what each apply would be taken back to",
		Example: "  domctl snapshots list prod\n  domctl snapshots show 20260301-101500-k3v9w2m4q7x1 prod"}
	cmd.AddCommand(a.snapshotsListVerb(), a.snapshotsShowVerb())
	return cmd
}

func (a *app) snapshotsListVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "list [DIR]", Short: "List the restore points, latest first", Args: cobra.MaximumNArgs(1),
		Example: "  domctl snapshots list prod\n  domctl snapshots list prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.openRecords(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			points, err := e.RestorePoints(cmd.Context())
			if err := a.warn(err, len(points) > 0); err != nil {
				return err
			}
			if form.json() {
				return a.json(pointsShape{shapes, shapesOfPast(points)})
			}
			return writePoints(a.stdout, points)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func (a *app) snapshotsShowVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "show APPLY [DIR]", Short: "Say what stood before an apply", Args: cobra.RangeArgs(1, 2),
		Example: "  domctl snapshots show 20260301-101500-k3v9w2m4q7x1 prod\n  domctl snapshots show last prod --format json",
		Long:    "Says what an apply found where it wrote. Nothing outside is asked: what stands by\nnow, and what of it conflicts, domctl rollback --to APPLY shows before it asks. APPLY \"last\" is the\nnewest restore point.",
		RunE: func(cmd *cobra.Command, args []string) error {
			id, dir, err := applyAndDir(cmd, args)
			if err != nil {
				return err
			}
			e, err := a.openRecords(cmd.Context(), a.dir(dir))
			if err != nil {
				return err
			}
			id, err = engine.Newest(id, func() ([]engine.Past, error) { return e.RestorePoints(cmd.Context()) })
			if err != nil {
				return err
			}
			found, err := e.RestorePoint(cmd.Context(), id)
			if errors.Is(err, applier.ErrUndecided) {
				return fmt.Errorf("%w; domctl rollback --to %s settles that first", err, id)
			}
			if err != nil {
				return err
			}
			if form.json() {
				return a.json(shapeOfStanding(id, found))
			}
			return writeStanding(a.stdout, id, found)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func writePoints(out io.Writer, points []engine.Past) error {
	if len(points) == 0 {
		_, err := fmt.Fprintln(out, "There are no restore points: nothing was applied yet.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "APPLY\tBEFORE\tSTEPS\tSTATE")
	for _, p := range points {
		state := "can be taken back"
		switch {
		case len(p.TakenBack) > 0:
			state = takenBack(p)
		case p.Outcome != applier.EndedOutcome:
			state = "not ended; can be taken back"
		}
		if final := p.Final(); len(final) > 0 && !p.Whole() {
			state += ", but for " + planner.Few(final)
		}
		fmt.Fprintf(w, "%s\t%s\t%d\t%s\n", p.ID, p.At.UTC().Format(time.RFC3339), p.Done, state)
	}
	return w.Flush()
}

// takenBack says by which rollbacks; "" for none.
func takenBack(p engine.Past) string {
	by := strings.Join(p.TakenBack, ", ")
	switch {
	case p.Whole():
		return "taken back by " + by
	case by != "":
		return "taken back in part by " + by
	}
	return ""
}

func writeStanding(out io.Writer, id string, found []engine.Standing) error {
	if len(found) == 0 {
		_, err := fmt.Fprintf(out, "Apply %s wrote nothing outside: taking it back changes only domctl's own records.\n", id)
		return err
	}
	fmt.Fprintf(out, "Taking back apply %s puts back what stood before it:\n\n", id)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	last := schema.Address{}
	for _, s := range found {
		if s.Address != last {
			fmt.Fprintf(w, "%s\n", planner.Printable(s.Address.String()))
		}
		last = s.Address
		fmt.Fprintf(w, "    %s\n", planner.Printable(standing(s)))
	}
	return w.Flush()
}

func standing(s engine.Standing) string {
	switch {
	case s.Final != "":
		return string(s.Object) + ": was there; cannot be taken back: " + s.Final
	case s.Deleted:
		return string(s.Object) + ": was there; is made again as it was"
	case s.Made && s.Path != "":
		return fmt.Sprintf("%s: %s %s was made; is deleted again", s.Object, s.Path, s.Set.Display())
	case s.Made:
		return string(s.Object) + ": was not there; is deleted again"
	}
	return fmt.Sprintf("%s: %s: %s (the apply set %s)", s.Object, s.Path, s.Found.Display(), s.Set.Display())
}
