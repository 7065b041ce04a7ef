package main

import (
	"cmp"
	"fmt"
	"runtime/debug"

	"github.com/spf13/cobra"

	"domctl.dev/schema"
)

func (a *app) versionVerb() *cobra.Command {
	return &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs, Example: "  domctl version",
		Long: "Prints the version of the program, the commit and the Go it was built from, and\nthe version of the schema it brings along.",
		RunE: func(*cobra.Command, []string) error {
			info, _ := debug.ReadBuildInfo()
			_, err := fmt.Fprintln(a.stdout, version(info))
			return err
		},
	}
}

// version tells what is known of a build; info may be nil.
func version(info *debug.BuildInfo) string {
	if info == nil {
		info = &debug.BuildInfo{}
	}
	commit := "unknown"
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			commit += " and more"
		}
	}
	return fmt.Sprintf("domctl %s\ncommit %s\ngo     %s\nschema %s", cmp.Or(info.Main.Version, "unknown"), commit, cmp.Or(info.GoVersion, "unknown"), schema.Version())
}
