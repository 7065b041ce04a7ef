package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

type imagesShape struct {
	Format int `json:"format"`
	engine.Forecast
}

// imageFlags are those of images and of its suggest.
type imageFlags struct {
	form                  *format
	weights, window, disk string
	pools                 []string
}

func (f *imageFlags) add(cmd *cobra.Command) {
	f.form = formatFlag(cmd, "json")
	cmd.Flags().StringVar(&f.weights, "weights", "runs", "what counts: runs, or even")
	cmd.Flags().StringVar(&f.window, "window", "30d", "how far back runs count")
	cmd.Flags().StringVar(&f.disk, "disk", "", "size of a node's volume: 200GiB")
}

func (a *app) imagesVerb() *cobra.Command {
	var f imageFlags
	cmd := &cobra.Command{
		Use:   "images [DIR]",
		Short: "Say what a new node pulls for each environment",
		Long: `Reads which images are in use (active revisions, revisions that ran, revisions
that projects are pinned to, base images) and asks the registries for their
layers. Shows for each, and for each node pool where Domino's database tells it,
the bytes that a new node pulls: with nothing cached, with today's AMI, with the
AMI as the files declare it, and, with --disk, with what "images suggest" would
cache. Nothing is written outside.

Warns when an AMI is to cache more than its volume bears, five base images or
more, or what saves nothing.

An AMI that domctl did not bake is "unknown": nobody can tell what is in it.
What registries say is kept by digest, so that a second run is quick. When an
image cannot be read, the others are shown and the exit code is 1.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl images prod\n  domctl images prod --disk 200GiB --weights even\n  domctl images prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.images(cmd.Context(), a.dir(args), f, func(out io.Writer, found engine.Forecast) error { return writePulls(out, found, f.window) })
		},
	}
	f.add(cmd)
	cmd.AddCommand(a.suggestVerb())
	return cmd
}

func (a *app) suggestVerb() *cobra.Command {
	var f imageFlags
	cmd := &cobra.Command{
		Use:   "suggest --disk SIZE [DIR]",
		Short: "Choose which images an AMI should cache",
		Long: `Chooses the images whose caching saves most bytes on new nodes, each counted as
often as it ran, on at most 80 % of the volume: above that the kubelet removes
images. Layers that images share count once. Prints them as bake.cache has them.
--pool chooses for one pool by what ran there, --pool '*' for each of them, where
Domino's database tells which tier a run used.
The choice is the best there is, or it says how far off it may be.`,
		Args:    cobra.MaximumNArgs(1),
		Example: "  domctl images suggest --disk 200GiB prod\n  domctl images suggest --disk 200GiB --pool gpu prod",
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.images(cmd.Context(), a.dir(args), f, writeSuggestion)
		},
	}
	f.add(cmd)
	cmd.Flags().StringArrayVar(&f.pools, "pool", nil, "choose for this `pool` by what ran there, a label, a name or a pattern (repeatable)")
	_ = cmd.MarkFlagRequired("disk")
	return cmd
}

// images forecasts and prints as asked; an answer that is partial ends with 1.
func (a *app) images(ctx context.Context, folder string, f imageFlags, text func(io.Writer, engine.Forecast) error) error {
	r, err := f.read()
	if err != nil {
		return err
	}
	d, err := a.compile(ctx, folder)
	if err != nil {
		return err
	}
	if schema.Stops(d.compiled.Findings) {
		return a.refuse(d.compiled.Findings)
	}
	w, err := d.wire(ctx)
	if err != nil {
		return err
	}
	r.Compiled, r.Outside, r.Store, r.Now = d.compiled, w.outside, w.store, w.clock.Now
	r.Progress = a.asking
	if w.nodes != nil {
		r.Karpenter = w.nodes
	}
	found, err := r.Forecast(ctx)
	if err != nil {
		return err
	}
	if f.form.json() {
		err = a.json(imagesShape{shapes, found})
	} else {
		err = text(a.stdout, found)
	}
	if err == nil {
		err = a.tellFindings(found.Findings)
	}
	if err != nil {
		return err
	}
	if found.Partial {
		a.missing(found)
	}
	if found.Partial || schema.Failed(found.Findings) {
		return exitCode(1)
	}
	return nil
}

// asking shows a person how far registries were asked.
func (a *app) asking(done, total int) {
	a.doing(fmt.Sprintf("asking registries, %d of %d images", done, total), patience)
}

func (f imageFlags) read() (r engine.Images, err error) {
	if f.weights != "runs" && f.weights != "even" {
		return r, fmt.Errorf("--weights is %q; use runs or even", f.weights)
	}
	r.Weights, r.Pools = f.weights, f.pools
	if r.Window, err = schema.ParseDuration(f.window); err != nil {
		return r, fmt.Errorf("--window: %w", err)
	}
	if f.disk != "" {
		if r.Disk, err = schema.ParseBytes(f.disk); err != nil {
			return r, fmt.Errorf("--disk: %w", err)
		}
	}
	return r, nil
}

// missing names what is not in the answer.
func (a *app) missing(f engine.Forecast) {
	n := 0
	for _, i := range f.Images {
		if i.Problem != "" {
			n++
			a.tell("error", i.Title()+": "+oneLine(i.Problem))
		}
	}
	a.tell("hint", fmt.Sprintf("the answer is partial: %d of %d images are not in it", n, len(f.Images)))
}

func writePulls(out io.Writer, f engine.Forecast, window string) error {
	if len(f.Images) == 0 {
		_, err := fmt.Fprintln(out, "No image is in use: the files declare no base image, and no environment has a revision.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tPOOL\tRUNS\tPINNED\tEMPTY\tTODAY\tDECLARED\tSUGGESTED\tDISK")
	for _, i := range f.Images {
		if i.Problem != "" {
			fmt.Fprintf(w, "%s\t-\t%d\t%d\t-\t-\t-\t-\tnot read\n", planner.Printable(i.Title()), i.Runs, i.Pinned)
			continue
		}
		for _, p := range i.Pools {
			pool, suggested := p.Pool, "-"
			if pool == "" {
				pool = "-"
			}
			if f.Suggested != nil {
				suggested = pulled(p.Suggested)
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%s\t%s\t%s\t%s\t%s\n", planner.Printable(i.Title()), planner.Printable(pool), p.Runs, i.Pinned,
				schema.ShortBytes(i.Empty.Transfer), pulled(p.Today), pulled(p.Declared), suggested, filled(*i.Empty))
		}
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, ami := range f.AMIs {
		of := "; state bake.volume.size to compare it"
		if ami.Limit > 0 {
			of = fmt.Sprintf(" of the %s that the kubelet leaves on its volume", schema.ShortBytes(ami.Limit))
		}
		fmt.Fprintf(out, "\n%s is to cache %d images: %s%s.\n", ami.AMI, ami.Images, filled(ami.Cost), of)
	}
	_, err := fmt.Fprintf(out, "\nBytes that a new node of %s pulls (%s, %s). RUNS are those of the last %s. DISK is what\nthe image fills by itself; ≥ is a lower bound, as far as its registry tells.\n",
		f.Deployment, f.Engine, f.Platform, window)
	return err
}

func pulled(n *int64) string {
	if n == nil {
		return "unknown"
	}
	return schema.ShortBytes(*n)
}

func filled(c planner.Cost) string {
	if c.Exact {
		return schema.ShortBytes(c.Disk)
	}
	return "≥ " + schema.ShortBytes(c.Disk)
}

func writeSuggestion(out io.Writer, f engine.Forecast) error {
	for n, s := range f.Choices() {
		if s.Pool != "" {
			if n > 0 {
				fmt.Fprintln(out)
			}
			fmt.Fprintf(out, "Pool %s:\n\n", planner.Printable(s.Pool))
		}
		if err := writeChoice(out, f, s); err != nil {
			return err
		}
	}
	return nil
}

func writeChoice(out io.Writer, f engine.Forecast, s engine.Suggestion) error {
	if len(s.Images) == 0 {
		_, err := fmt.Fprintln(out, nothing(s))
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "IMAGE\tWEIGHT\tPULL")
	for n, i := range s.Images {
		fmt.Fprintf(w, "%s\t%d\t%s\n", planner.Printable(f.Images[i].Title()), s.Weights[n], schema.ShortBytes(f.Images[i].Empty.Transfer))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	best := "No choice saves more."
	if !s.Proven {
		best = fmt.Sprintf("No choice saves more than %s.", share(s.Most, s.Whole))
	}
	fmt.Fprintf(out, "\nFills %s of the %s that the kubelet leaves on %s (%d %%), and saves %s of the\nbytes that new nodes pull, weighted by %s. %s\n",
		filled(s.Cost), schema.ShortBytes(s.Limit), schema.ShortBytes(s.Disk), engine.KubeletShare, share(s.Saved, s.Whole), f.Weights, best)
	return writeCache(out, f, s)
}

// nothing says why no image is worth it.
func nothing(s engine.Suggestion) string {
	if s.Whole == 0 {
		return "Nothing ran in that time, so that nothing is worth caching; --window looks further back, --weights even counts every image once."
	}
	return fmt.Sprintf("No image fits in %s.", schema.ShortBytes(s.Limit))
}

func share(part, whole int64) string {
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(max(whole, 1)))
}

// writeCache prints the choice as a file states it.
func writeCache(out io.Writer, f engine.Forecast, s engine.Suggestion) error {
	c, unnamed := f.Cache(s)
	fmt.Fprintf(out, "\ncache: {\n")
	if len(c.BaseImages) > 0 {
		fmt.Fprintf(out, "\tbaseImages: [%s]\n", strings.Join(each(c.BaseImages, quoted), ", "))
	}
	for _, name := range schema.Sorted(c.Environments) {
		fmt.Fprintf(out, "\tenvironments: %s: [%s]\n", quoted(name), strings.Join(each(c.Environments[name], revision), ", "))
	}
	for _, name := range unnamed {
		fmt.Fprintf(out, "\t// %s is not in the files; domctl import finds it\n", planner.Printable(name))
	}
	_, err := fmt.Fprintln(out, "}")
	return err
}

func each[T any](list []T, text func(T) string) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = text(v)
	}
	return out
}

func quoted(s string) string { return schema.JSON(s).Text }

func revision(n int64) string {
	if n == schema.ActiveRevision {
		return `"active"`
	}
	return fmt.Sprint(n)
}
