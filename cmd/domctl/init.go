package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/compiler"
	"domctl.dev/examples"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/sandbox"
	"domctl.dev/internal/state"
)

func (a *app) initVerb() *cobra.Command {
	var name string
	cmd := &cobra.Command{
		Use:   "init [DIR]",
		Short: "Make a folder a deployment",
		Long: `Makes DIR a deployment on a sandbox, and a CUE module where none lies above. It
starts from an example, as if an earlier version of its files had been applied
and someone had changed things by hand since: the first plan has creates,
updates and drift to show. Files that are there are never overwritten.

Examples: ` + strings.Join(examples.Names(), ", ") + ".",
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl init prod
  domctl init prod --example classic
  domctl init . --example empty`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.init(cmd.Context(), a.dir(args), name) },
	}
	cmd.Flags().StringVar(&name, "example", "eks", "the `example` to start from")
	return cmd
}

func (a *app) init(ctx context.Context, dir, name string) error {
	e, err := examples.Get(name)
	if err != nil {
		return err
	}
	written, err := engine.Scaffold{Dir: dir, Files: e.Files, Deployments: e.Deployments}.Lay()
	if err != nil {
		return err
	}
	for _, d := range e.Deployments {
		if err := begin(context.WithoutCancel(ctx), filepath.Join(dir, filepath.FromSlash(d)), e, d); err != nil {
			return fmt.Errorf("%w; the files are there, and domctl sandbox reset --example %s makes the sandbox", err, name)
		}
	}
	fmt.Fprintf(a.stdout, "Made a deployment of the example %q in %s:\n", name, dir)
	for _, f := range written {
		fmt.Fprintf(a.stdout, "  %s\n", f)
	}
	fmt.Fprint(a.stdout, "\nNext:\n")
	for _, d := range e.Deployments {
		at := filepath.Join(dir, filepath.FromSlash(d))
		fmt.Fprintf(a.stdout, "  domctl check %s\n  domctl plan %[1]s\n", at)
	}
	return nil
}

// begin puts the sandbox of an example's deployment into a folder, and the
// records of an apply of the files as they were: that apply runs on a copy of the
// world that is then forgotten, so what it set and the world does not show is
// drift.
func begin(ctx context.Context, dir string, e examples.Example, below string) error {
	for name, text := range map[string][]byte{sandboxFile: e.Files[path.Join(below, sandboxFile)], exampleFile: []byte(e.Name + " " + below + "\n")} {
		name = filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
		if err := os.WriteFile(name, text, 0o666); err != nil {
			return fmt.Errorf("sandbox: %w", err)
		}
	}
	files, applied := e.Before()
	if !applied {
		return nil
	}
	tmp, err := os.MkdirTemp("", "domctl-init-")
	if err != nil {
		return fmt.Errorf("init: %w", err)
	}
	defer os.RemoveAll(tmp)
	if _, err := (engine.Scaffold{Dir: tmp, Files: files, Deployments: e.Deployments}).Lay(); err != nil {
		return err
	}
	if err := past(ctx, filepath.Join(tmp, filepath.FromSlash(below)), dir); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	return nil
}

// past applies the deployment in from and keeps its records in to.
func past(ctx context.Context, from, to string) error {
	src, err := compiler.Find(from)
	if err != nil {
		return err
	}
	compiled, err := compiler.Compile(ctx, src)
	if err != nil {
		return err
	}
	content, err := os.ReadFile(filepath.Join(from, sandboxFile))
	if err != nil {
		return err
	}
	memory, err := sandbox.NewMemory(sandboxFile, content)
	if err != nil {
		return err
	}
	world, err := memory.Open(sandbox.Options{})
	if err != nil {
		return err
	}
	e, err := engine.Open(ctx, engine.Config{Compiled: compiled, Outside: world, Store: state.File(filepath.Join(to, compiled.Desired.Deployment.State.File)),
		Clock: wallClock{}, Random: rand.Text, Holder: holder(), Parallelism: 1})
	if err != nil {
		return err
	}
	p, err := e.Plan(ctx, engine.PlanOptions{})
	if err != nil {
		return err
	}
	_, err = e.Apply(ctx, p)
	return err
}
