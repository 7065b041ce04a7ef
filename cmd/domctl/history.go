package main

import (
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) historyVerb() *cobra.Command {
	return &cobra.Command{
		Use:     "history [DIR]",
		Short:   "Show what was applied, when and by whom",
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl history prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.open(cmd.Context(), dir(args), nil, 0)
			if err != nil {
				return err
			}
			history, err := e.Applier.History(cmd.Context())
			if err != nil {
				return err
			}
			w := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
			fmt.Fprintln(w, "APPLY\tWHEN\tBY\tOUTCOME\tSTEPS\t")
			for _, s := range history {
				outcome := string(s.Outcome)
				if outcome == "" {
					outcome = "cut off"
				}
				note := ""
				if s.Plan != nil && s.Plan.Restores != "" {
					note = "takes back " + s.Plan.Restores
				}
				fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%s\n", s.ID, s.At.UTC().Format(time.RFC3339), s.By, outcome, s.Done, note)
			}
			return w.Flush()
		},
	}
}
