package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
)

func (a *app) lockVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "lock", Short: "See or break a deployment's lock", Example: "  domctl lock show prod\n  domctl lock break prod"}
	cmd.AddCommand(a.lockShowVerb(), a.lockBreakVerb())
	return cmd
}

func (a *app) lockShowVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "show [DIR]", Short: "Say who holds the lock", Args: cobra.MaximumNArgs(1), Example: "  domctl lock show prod\n  domctl lock show prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			d, err := a.compileRecords(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			a.doing("reading the lock", patience)
			store, err := d.lockStore(cmd.Context())
			if err != nil {
				return err
			}
			l, err := engine.ReadLock(cmd.Context(), store)
			switch {
			case err != nil:
				return err
			case form.json():
				return a.json(shapeOfLock(l))
			}
			a.showLock("The lock is held", l)
			return nil
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func (a *app) lockBreakVerb() *cobra.Command {
	return &cobra.Command{Use: "break [DIR]", Short: "Free the lock, whoever holds it", Args: cobra.MaximumNArgs(1), Example: "  domctl lock break prod",
		Long: "Frees the lock. The holder's next write is refused; a call it has in flight may\nstill take effect.",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.openRecords(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			l, err := e.Applier.BreakLock(cmd.Context())
			if err == nil {
				a.showLock("The lock was taken from its holder: it was held", l)
			}
			return err
		}}
}

func (a *app) showLock(words string, l applier.Lock) {
	if l.Free {
		fmt.Fprintln(a.stdout, "The lock is free.")
		return
	}
	if l.Holder == "" { // it could not be read
		fmt.Fprintln(a.stdout, a.here("The lock could not be read, so nobody knows who held it; it is free. Every apply that has not ended was fenced: domctl history tells which."))
		return
	}
	fmt.Fprintf(a.stdout, "%s by %s for apply %s since %s.\n", words, l.Holder, l.Apply, l.Since.UTC().Format(time.RFC3339))
}
