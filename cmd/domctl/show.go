package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

// show opens a deployment, reads something of it, and prints that in the form asked for.
func show[T any](a *app, cmd *cobra.Command, dir string, form *format, read func(*engine.Engine, context.Context) (T, error), shape func(T) any, write func(io.Writer, T, time.Time) error) error {
	e, err := a.open(cmd.Context(), dir, nil, 1)
	if err != nil {
		return err
	}
	found, err := read(e, cmd.Context())
	if err != nil {
		return err
	}
	if form.json() {
		return a.json(shape(found))
	}
	return write(a.stdout, found, e.Clock.Now())
}

// lines writes names and values, a line each; a value that is not known has none.
func lines(w io.Writer) func(name, value string) {
	return func(name, value string) {
		if value != "" {
			fmt.Fprintf(w, "%s\t%s\n", name, planner.Printable(value))
		}
	}
}
