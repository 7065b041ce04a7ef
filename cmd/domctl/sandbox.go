package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/examples"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/schema"
)

func (a *app) sandboxVerb() *cobra.Command {
	var example string
	cmd := &cobra.Command{Use: "sandbox", Short: "Look at the sandbox world, or start it afresh", Example: "  domctl sandbox show prod\n  domctl sandbox reset prod"}
	reset := &cobra.Command{
		Use: "reset [DIR]", Short: "Put the world and the records back to where init left them", Args: cobra.MaximumNArgs(1),
		Long: `Writes .domctl/sandbox.json and the records beside it as init did. What was
applied to the sandbox since, and every edit of it, is gone; the CUE files stay.`,
		Example: "  domctl sandbox reset prod\n  domctl sandbox reset prod --example empty",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.resetSandbox(cmd.Context(), a.dir(args), example)
		},
	}
	reset.Flags().StringVar(&example, "example", "", "the `example` whose world to take; else the one that init took")
	cmd.AddCommand(reset, a.sandboxClockVerb(), a.sandboxRunVerb(), a.sandboxRunsVerb(), &cobra.Command{Use: "show [DIR]", Short: "Print the sandbox's world", Args: cobra.MaximumNArgs(1), Example: "  domctl sandbox show prod",
		Long: "Prints the world that .domctl/sandbox.json holds, laid out afresh. An edit of that\nfile is what someone does by hand to the real systems: domctl plan shows it as drift.\n\nBuilds of environments end at once. One fails where the Dockerfile says RUN false or\nRUN exit 3; \"domino\": {\"buildTime\": \"2m\"} makes all take so long, and \"builds\":\n{ID: {\"time\": \"2m\", \"fails\": \"no space left\"}} those of one environment.",
		RunE: func(_ *cobra.Command, args []string) error {
			world, err := openSandbox(a.dir(args))
			if err != nil {
				return err
			}
			text, err := sandbox.Format(world)
			if err != nil {
				return err
			}
			_, err = a.stdout.Write(text)
			return err
		}})
	return cmd
}

// openSandbox opens that of a deployment's folder.
func openSandbox(dir string) (*sandbox.World, error) {
	d := deployment{dir: dir}
	if err := engine.Locate(d.dir); err != nil {
		return nil, err
	}
	return sandbox.Open(d.sandboxPath(), sandbox.Options{})
}

// exampleFile remembers what init started a deployment from: an example and a
// folder of it.
const exampleFile = ".domctl/example"

func (a *app) resetSandbox(ctx context.Context, dir, name string) error {
	d, err := a.compile(ctx, dir)
	if err != nil {
		return err
	}
	if d.compiled.Desired.Deployment.World != "sandbox" {
		if schema.Stops(d.compiled.Findings) { // nobody can tell
			return a.refuse(d.compiled.Findings)
		}
		return fmt.Errorf("%s is a live deployment: there is no sandbox to reset", dir)
	}
	below := "."
	if name == "" {
		text, err := os.ReadFile(d.path(exampleFile))
		if err != nil {
			return fmt.Errorf("sandbox: %w; say --example with one of %s", err, strings.Join(examples.Names(), ", "))
		}
		name, below, _ = strings.Cut(strings.TrimSpace(string(text)), " ")
	}
	e, err := examples.Get(name)
	if err != nil {
		return err
	}
	if !slices.Contains(e.Deployments, below) {
		return fmt.Errorf("the example %q is of several deployments (%s); start afresh with domctl init", name, strings.Join(e.Deployments, ", "))
	}
	if err := os.RemoveAll(d.path(".domctl")); err != nil {
		return fmt.Errorf("sandbox: %w", err)
	}
	if err := begin(context.WithoutCancel(ctx), dir, e, below); err != nil {
		return err
	}
	_, err = fmt.Fprintf(a.stdout, "The sandbox and its records in %s are as init left them.\n", d.path(".domctl"))
	return err
}
