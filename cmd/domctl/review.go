package main

import (
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/compiler"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

type reviewShape struct {
	Format int `json:"format"`
	engine.Review
}

func (a *app) reviewVerb() *cobra.Command {
	var window, slow string
	var detailed bool
	var form *format
	cmd := &cobra.Command{
		Use:   "review [DIR]",
		Short: "Say what of images and pins is due for a look",
		Long: `One report for the quarter: AMIs that are older than their reviewAfter, pins
whose reviewBy is over, base images and AMIs that upstream has newer, cached
images that nobody ran, runs that waited longer than --slow-pull for their images,
and what was changed outside of domctl. Nothing is written, here or outside.

How long a run waited Domino's API tells, of one run at a time: it is asked for the
newest ten of each revision and hardware tier, of 300 runs at most and for a minute,
where deployment.domino states it.

--format patch prints a unified diff of the files, for patch -p1 or git apply in
the folder that the command is run in (where DIR does not lie below it: in the one
that holds cue.mod). It takes what is newer, and leaves out of bake.cache what
nobody ran and without which no node pulls more. Pins and days are for people to
move.

The exit code is 0, or 1 for an error or when something could not be read; with
--detailed-exitcode 2 says that something is due.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl review prod\n  domctl review prod --format patch | patch -p1\n  domctl review prod --format json --window 180d",
		RunE: func(cmd *cobra.Command, args []string) error {
			o, err := a.reviewOptions(a.dir(args), window, slow)
			if err != nil {
				return err
			}
			e, err := a.open(cmd.Context(), a.folder, nil, 0)
			if err != nil {
				return err
			}
			r, err := e.Review(cmd.Context(), o)
			if err != nil {
				return err
			}
			return a.review(r, form.name, window, slow, detailed)
		},
	}
	form = formatFlag(cmd, "json", "patch")
	cmd.Flags().StringVar(&window, "window", "90d", "how far back runs count")
	cmd.Flags().StringVar(&slow, "slow-pull", "1m", "how long a run may wait for its images")
	cmd.Flags().BoolVar(&detailed, "detailed-exitcode", false, "exit with 2 when something is due")
	return cmd
}

func (a *app) reviewOptions(dir, window, slow string) (o engine.ReviewOptions, err error) {
	if o.Window, err = schema.ParseDuration(window); err != nil {
		return o, fmt.Errorf("--window: %w", err)
	}
	if o.SlowPull, err = schema.ParseDuration(slow); err != nil {
		return o, fmt.Errorf("--slow-pull: %w", err)
	}
	src, err := compiler.Find(dir)
	if err != nil {
		return o, err
	}
	below := filepath.Join(src.Root, filepath.FromSlash(src.Dir))
	o.Name = func(file string) string { return path.Join(fromHere(dir, src.Dir), file) }
	o.Read = func(file string) ([]byte, error) { return os.ReadFile(filepath.Join(below, filepath.FromSlash(file))) }
	o.Resolved, o.Progress = resolvedFile, a.asking
	return o, nil
}

// fromHere is a folder as tools that patch name it: from the working folder, else
// by another name, since they take no path that leads up.
func fromHere(dir, otherwise string) string {
	here, err := os.Getwd()
	if err != nil {
		return otherwise
	}
	at, err := filepath.Abs(dir)
	if err != nil {
		return otherwise
	}
	if at, err = filepath.Rel(here, at); err != nil || !filepath.IsLocal(at) {
		return otherwise
	}
	return filepath.ToSlash(at)
}

// review prints a review as asked; one that is partial ends with 1.
func (a *app) review(r engine.Review, form, window, slow string, detailed bool) (err error) {
	switch form {
	case "json":
		err = a.json(reviewShape{shapes, r})
	case "patch":
		_, err = io.WriteString(a.stdout, r.Patch)
	default:
		if err = a.tellFindings(unsaid(r.Findings)); err == nil {
			err = a.writeReview(r, window, slow)
		}
	}
	if err != nil {
		return err
	}
	for _, u := range r.Unread {
		a.tell("error", oneLine(u))
	}
	switch {
	case len(r.Unread) > 0 || schema.Failed(r.Findings):
		return exitCode(1)
	case detailed && r.Due() > 0:
		return exitCode(2)
	}
	return nil
}

// unsaid are the findings that matter to a review and that its text does not hold
// anyway; what an apply would do is for plan to say.
func unsaid(findings []schema.Finding) []schema.Finding {
	return slices.DeleteFunc(slices.Clone(findings), func(f schema.Finding) bool {
		return f.Severity == schema.Info || slices.Contains([]string{"DC263", "DC281", "DC356"}, f.Code)
	})
}

func (a *app) writeReview(r engine.Review, window, slow string) error {
	var b strings.Builder
	day, _, _ := strings.Cut(r.At, "T")
	fmt.Fprintf(&b, "Review of %s on %s.\n", planner.Printable(r.Deployment), day)
	section := func(title string, n int, line func(i int) string) {
		if n == 0 {
			return
		}
		fmt.Fprintf(&b, "\n%s:\n", title)
		for i := range n {
			fmt.Fprintf(&b, "    %s\n", line(i))
		}
	}
	section("Images", len(r.AMIs), func(i int) string {
		return planner.Printable(r.AMIs[i].AMI.String() + ": " + engine.Line(r.AMIs[i]))
	})
	section("Newer upstream", len(r.Newer), func(i int) string {
		m := r.Newer[i]
		return planner.Printable(m.Address.String()) + "\n      - " + planner.Printable(m.Before) + "\n      + " + planner.Printable(m.After)
	})
	section("Cached, and nobody ran it in "+window, len(r.Unused), func(i int) string {
		u, why := r.Unused[i], "other images share its layers, or it is not stated by itself"
		if u.Patched {
			why = "no node pulls more without it; the patch leaves it out"
		}
		return planner.Printable(u.AMI.String()+": "+u.Image) + "; " + why
	})
	section("Waited longer than "+slow+" for their images", len(r.Pulls.Slow), func(i int) string {
		s := r.Pulls.Slow[i]
		return planner.Printable(s.Title()+": "+s.How()) + "\n        " + planner.Printable(s.Why())
	})
	fmt.Fprintf(&b, "\n%s\n", planner.Printable(r.Pulls.Line()))
	if len(r.Drift) > 0 {
		var drift strings.Builder
		if err := planner.WriteChanges(&drift, r.Drift, a.style); err != nil {
			return err
		}
		b.WriteString("\nChanged outside of domctl since the last apply:\n\n" + strings.TrimSuffix(drift.String(), "\n"))
	}
	switch n := r.Due(); {
	case n == 0:
		b.WriteString("\nNothing is due.\n")
	default:
		fmt.Fprintf(&b, "\n%s to look at.", planner.Plural(n, "thing"))
		if r.Patch != "" {
			b.WriteString(a.here(" A patch takes what is newer and unused: domctl review --format patch"))
		}
		b.WriteByte('\n')
	}
	_, err := io.WriteString(a.stdout, b.String())
	return err
}
