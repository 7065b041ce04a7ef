package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// unusedSince is the moment since when a run counts, where somebody asks for what is not
// used.
func unusedSince(o *engine.Look, now time.Time, unused bool, since string, stated bool) error {
	if !unused && stated {
		return errors.New("--since says how far back --unused looks; state both")
	}
	window, err := schema.ParseDuration(since)
	if err != nil {
		return fmt.Errorf("--since: %w", err)
	}
	if unused {
		o.UnusedSince = now.Add(-window)
	}
	return nil
}

// writeUnused lists what nobody uses, and why that is not known of what may be used.
func writeUnused(out io.Writer, found []engine.Environment, now time.Time) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "Every environment is used.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ENVIRONMENT\tIN FILES\tOWNER\tLAST USED\tSAVED\tUNUSED")
	var whys []string
	for _, e := range found {
		name, saved, verdict := e.Name, "-", "yes"
		if e.Archived {
			name += " (archived)"
		}
		if len(e.Revisions) > 0 && !e.Revisions[0].Created.IsZero() {
			saved = ago(e.Revisions[0].Created, now)
		}
		if !e.Unuse.Unused {
			verdict, whys = "not known", append(whys, strings.Split(e.Unuse.Unknown, "; ")...)
		}
		fmt.Fprintln(w, strings.Join(each([]string{name, dash(e.Address.Name), dash(e.Owner), ago(e.LastUsed, now), saved, verdict}, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	slices.Sort(whys)
	list(out, "Not known:", slices.Compact(whys))
	return nil
}
