package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/git"
	"domctl.dev/planner"
)

func (a *app) worldVerb() *cobra.Command {
	var out string
	cmd := &cobra.Command{Use: "world", Short: "Record what lives, to plan without credentials", Example: "  domctl world record prod --out prod/world.json"}
	record := &cobra.Command{
		Use: "record [DIR]", Short: "Write what a plan sees of the world into a file that may be public", Args: cobra.MaximumNArgs(1),
		Long: `Reads what a plan reads, and prints it: of the objects that the files and the last
apply speak of, the fields that these state, and how many use them. Secrets, digests
and the identities of documents are replaced by numbers from which nothing leads back.

Whoever has the file can plan a change without credentials, as for a pull request
from a fork: domctl plan --world FILE.`,
		Example: "  domctl world record prod --out prod/world.json\n  domctl plan prod --base origin/main --world prod/world.json",
		RunE: func(cmd *cobra.Command, args []string) error {
			e, err := a.open(cmd.Context(), a.dir(args), nil, 0)
			if err != nil {
				return err
			}
			r, err := e.Record(cmd.Context())
			if err != nil {
				return err
			}
			body, err := planner.EncodeRecording(r)
			if err != nil {
				return err
			}
			if out == "" {
				_, err := a.stdout.Write(body)
				return err
			}
			if old, err := readRecording(out); err == nil && len(old) > 0 {
				if _, err := planner.DecodeRecording(old); err != nil {
					return fmt.Errorf("%s is there and is no recording of a world; choose another name for --out", planner.Printable(out))
				}
			}
			return replaceFile(out, body, 0o644)
		},
	}
	record.Flags().StringVar(&out, "out", "", "write it to this `file`")
	cmd.AddCommand(record)
	return cmd
}

// mostRecording is how large a recording may be, bytes.
const mostRecording = 64 << 20

func readRecording(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, without(err)
	}
	defer f.Close()
	body, err := io.ReadAll(io.LimitReader(f, mostRecording+1))
	if err == nil && len(body) > mostRecording {
		err = fmt.Errorf("it holds more than %d MiB", mostRecording>>20)
	}
	return body, err
}

// recording reads a file that world record wrote; with commits to compare, as the
// base has it: what a change says of the world is nothing to go by.
func (c *commits) recording(file string) (planner.Recording, error) {
	body, err := []byte(nil), error(nil)
	if c == nil {
		body, err = readRecording(file)
	} else {
		var dir string
		if dir, err = c.repo.Within(filepath.Dir(file)); err == nil {
			body, err = c.repo.File(c.base, path.Join(dir, filepath.Base(file)), mostRecording)
		}
		if errors.Is(err, git.ErrNotFound) {
			err = fmt.Errorf("%s has no such file; a recording is taken from where the change started", c.Of())
		}
	}
	if err != nil {
		return planner.Recording{}, fmt.Errorf("recording %s: %w", planner.Printable(file), err)
	}
	r, err := planner.DecodeRecording(body)
	if err != nil {
		return r, fmt.Errorf("recording %s: %w", planner.Printable(file), err)
	}
	return r, nil
}

// Of names the base.
func (c *commits) Of() string { return (&planner.Base{Ref: c.ref, Commit: c.base}).Of() }

// replayed plans a deployment against a recording.
func (a *app) replayed(ctx context.Context, d *deployment, c *commits, world string, o engine.PlanOptions) (p planner.Plan, err error) {
	r := engine.Replay{Compiled: d.compiled}
	if r.Source, err = d.source(); err != nil {
		return p, err
	}
	if c != nil {
		f, err := a.former(ctx, c, d.compiled.Desired.Deployment.Name)
		if err != nil {
			return p, err
		}
		r.Former = &f
	}
	rec, err := c.recording(world)
	if err != nil {
		return p, err
	}
	p, err = r.Plan(rec, o)
	var invalid *engine.Invalid
	if errors.As(err, &invalid) {
		return p, a.refuse(invalid.Findings)
	}
	return p, err
}
