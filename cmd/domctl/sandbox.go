package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

func (a *app) sandboxVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "sandbox", Short: "Look at the sandbox world", Example: "  domctl sandbox show prod"}
	cmd.AddCommand(&cobra.Command{Use: "show [DIR]", Short: "Print the sandbox's file", Args: cobra.MaximumNArgs(1), Example: "  domctl sandbox show prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			d := deployment{dir: dir(args)}
			b, err := os.ReadFile(d.path(sandboxFile))
			if err != nil {
				return fmt.Errorf("sandbox: %w", err)
			}
			_, err = a.stdout.Write(b)
			return err
		}})
	return cmd
}
