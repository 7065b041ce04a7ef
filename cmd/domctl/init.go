package main

import (
	"fmt"

	"github.com/spf13/cobra"
)

func (a *app) initVerb() *cobra.Command {
	return &cobra.Command{Use: "init [DIR]", Short: "Make a folder a deployment", Args: cobra.MaximumNArgs(1), Example: "  domctl init prod",
		RunE: func(*cobra.Command, []string) error { return fmt.Errorf("init is not wired yet") }}
}
