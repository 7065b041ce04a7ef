package main

import (
	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
)

func (a *app) rollbackVerb() *cobra.Command {
	var o engine.RollbackOptions
	var yes bool
	cmd := &cobra.Command{
		Use:   "rollback [DIR]",
		Short: "Take back what an apply did",
		Long: `Plans the way back from the last apply, or from --to APPLY, shows it, asks, and
does it. What someone changed since is a conflict, and is left alone. The
content that was rolled back stays off until it changes or --unlatch is given
to plan.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl rollback prod\n  domctl rollback prod --to 20260301-101500-k3v9w2m4q7x1",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.open(cmd.Context(), dir(args), a.progress, 10)
			if err != nil {
				return err
			}
			ids, err := e.Rollbacks(cmd.Context(), o)
			if err != nil {
				return err
			}
			for _, id := range ids {
				p, err := e.Rollback(cmd.Context(), id, o)
				if err != nil {
					return err
				}
				if err := a.carryOut(cmd.Context(), e, p, yes); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&o.To, "to", "", "take back this `apply`; the last one if not given")
	cmd.Flags().BoolVar(&yes, "auto-approve", false, "do not ask")
	return cmd
}
