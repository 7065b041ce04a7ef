package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/internal/engine"
	"domctl.dev/internal/world"
	"domctl.dev/planner"
)

func (a *app) amisVerb() *cobra.Command {
	cmd := &cobra.Command{Use: "amis COMMAND", Short: "See the executor AMIs, and what refers to them",
		Example: "  domctl amis list prod\n  domctl amis inspect ami-0123456789abcdef0 prod"}
	cmd.AddCommand(a.amisListVerb(), a.amisInspectVerb())
	return cmd
}

func (a *app) amisListVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "list [DIR]", Short: "List the executor AMIs, newest first", Args: cobra.MaximumNArgs(1),
		Long: `Lists the executor AMIs of the account in the deployment's region: those that
domctl baked, those that are called domino-*, and those that anything starts from
or that files and records speak of. USES counts what refers to each, as "domctl
amis inspect" tells it. Copies in other regions stand below the image that they are
of, as records have them and EC2 shows them. What a record of this deployment does not bear out is said
to be so by its tags alone. Nothing is written.`,
		Example: "  domctl amis list prod\n  domctl amis list prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			return show(a, cmd, a.dir(args), form, (*engine.Engine).AMIs, func(all []world.AMI) any { return shapeOfAMIs(all) }, writeAMIs)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

func (a *app) amisInspectVerb() *cobra.Command {
	var form *format
	cmd := &cobra.Command{Use: "inspect AMI [DIR]", Short: "Say all there is to know of one AMI", Args: cobra.RangeArgs(1, 2),
		Long: `Says of an executor AMI, by its id, its name or the entry of amis that it stands
for, what it holds, who made it, whether it passed, how long a node of it took, and
each thing that refers to it: launch templates, launch configurations, groups,
instances, executor groups of tiers, records of this deployment, and files of this
repository. An AMI that anything refers to is never retired.`,
		Example: "  domctl amis inspect ami-0123456789abcdef0 prod\n  domctl amis inspect executor prod\n  domctl amis inspect domino-acme-gpu-cuda11 prod --format json",
		RunE: func(cmd *cobra.Command, args []string) error {
			read := func(e *engine.Engine, ctx context.Context) (world.AMI, error) { return e.AMI(ctx, args[0]) }
			return show(a, cmd, a.dir(args[1:]), form, read, func(i world.AMI) any { return amiShape{shapes, shapeOfAMI(i)} }, writeAMI)
		}}
	form = formatFlag(cmd, "json")
	return cmd
}

type amisShape struct {
	Format int          `json:"format"`
	Images []imageShape `json:"images"`
}

type amiShape struct {
	Format int        `json:"format"`
	Image  imageShape `json:"image"`
}

type imageShape struct {
	ID           string      `json:"id"`
	Name         string      `json:"name"`
	Owner        string      `json:"owner"`
	State        string      `json:"state"`
	Architecture string      `json:"architecture"`
	Created      string      `json:"created"`
	Deprecated   string      `json:"deprecated,omitempty"`
	Entry        string      `json:"entry,omitempty"`
	Deployment   string      `json:"deployment,omitempty"`
	Key          string      `json:"key,omitempty"`
	Base         string      `json:"base,omitempty"`
	Verdict      string      `json:"verdict"`
	MadeBy       string      `json:"madeBy"`
	Apply        string      `json:"apply,omitempty"`
	Recorded     bool        `json:"recorded"`
	Snapshots    []string    `json:"snapshots"`
	SnapshotGiB  int64       `json:"snapshotGiB"`
	Uses         []string    `json:"uses"`
	Images       []string    `json:"images"`
	Ready        string      `json:"ready,omitempty"`
	Container    string      `json:"container,omitempty"`
	Copies       []copyShape `json:"copies"`
}

// copyShape is a copy of an image in another region.
type copyShape struct {
	Region string `json:"region"`
	Image  string `json:"image"`
	State  string `json:"state"`
}

func shapeOfAMI(i world.AMI) imageShape {
	copies := []copyShape{}
	for _, c := range i.Copies {
		copies = append(copies, copyShape(c))
	}
	return imageShape{Copies: copies, ID: i.ID, Name: i.Name, Owner: i.Owner, State: i.State, Architecture: i.Architecture, Created: i.Created, Deprecated: i.Deprecated,
		Entry: i.Entry, Deployment: i.Deployment, Key: i.Key, Base: i.Base, Verdict: i.Verdict(), MadeBy: i.Maker(), Apply: i.Apply, Recorded: i.Recorded,
		Snapshots: append([]string{}, i.Snapshots...), SnapshotGiB: i.GiB, Uses: append([]string{}, i.Uses...),
		Images: append([]string{}, i.Images...), Ready: i.Ready, Container: i.Container}
}

func shapeOfAMIs(found []world.AMI) amisShape {
	shape := amisShape{Format: shapes, Images: []imageShape{}}
	for _, i := range found {
		shape.Images = append(shape.Images, shapeOfAMI(i))
	}
	return shape
}

func writeAMIs(out io.Writer, found []world.AMI, now time.Time) error {
	if len(found) == 0 {
		_, err := fmt.Fprintln(out, "There are no executor AMIs in this account and region.")
		return err
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "AMI\tAGE\tSTATE\tVERDICT\tDISK\tUSES\tKEY")
	for _, i := range found {
		state, _, _ := strings.Cut(stateOf(i, now), " from ")
		verdict := i.Verdict()
		if i.Doubted() {
			verdict = "failed"
		}
		cells := []string{i.ID, age(i.Created, now), strings.TrimPrefix(state, "available, "), verdict, disk(i), fmt.Sprint(len(i.Uses)), dash(i.Key[:min(len(i.Key), 8)])}
		fmt.Fprintln(w, strings.Join(each(cells, planner.Printable), "\t"))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	head, rows, _ := strings.Cut(table.String(), "\n")
	fmt.Fprintln(out, head)
	rest := strings.Split(rows, "\n")
	for n, i := range found {
		from := ""
		if i.Base != "" {
			from = ", from " + i.Base
		}
		if _, err := fmt.Fprintf(out, "%s\n    %s\n    made by %s\n", rest[n], planner.Printable(i.Name), planner.Printable(i.Maker()+from)); err != nil {
			return err
		}
		if copies := copiesOf(i); copies != "" {
			fmt.Fprintf(out, "    copied to %s\n", planner.Printable(copies))
		}
	}
	return nil
}

func writeAMI(out io.Writer, i world.AMI, now time.Time) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	line := lines(w)
	line("AMI", i.ID)
	line("name", i.Name)
	line("owner", i.Owner)
	line("state", stateOf(i, now))
	line("created", i.Created+" ("+age(i.Created, now)+" ago)")
	line("deprecated", i.Deprecated)
	line("architecture", i.Architecture)
	line("entry", i.Entry)
	line("content key", i.Key)
	line("root base", i.Base)
	line("verdict", i.Verdict())
	line("node ready", after(i.Ready, "its launch"))
	line("first container", after(i.Container, "its launch"))
	line("made by", i.Maker())
	line("copies", copiesOf(i))
	line("snapshots", strings.TrimPrefix(strings.Join(i.Snapshots, ", ")+" ("+disk(i)+")", " (-)"))
	if err := w.Flush(); err != nil {
		return err
	}
	for n, image := range i.Images {
		if n == 0 {
			fmt.Fprintln(out, "\nIt holds:")
		}
		fmt.Fprintln(out, "  "+planner.Printable(short(image)))
	}
	if len(i.Uses) == 0 {
		_, err := fmt.Fprintln(out, "\nNothing that domctl can see refers to it.")
		return err
	}
	fmt.Fprintln(out, "\nIt is in use:")
	for _, u := range i.Uses {
		fmt.Fprintln(out, "  "+planner.Printable(u))
	}
	return nil
}

func copiesOf(i world.AMI) string {
	var all []string
	for _, c := range i.Copies {
		all = append(all, c.Says())
	}
	return strings.Join(all, ", ")
}

// short is an image with the first digits of its digest.
func short(image string) string {
	name, digest, _ := strings.Cut(image, "@sha256:")
	if digest == "" {
		return image
	}
	return name + "@sha256:" + digest[:min(len(digest), 12)]
}

func after(span, what string) string {
	if span == "" {
		return ""
	}
	return span + " after " + what
}

// stateOf is the state as EC2 has it; a deprecation may lie ahead, as Amazon's do.
func stateOf(i world.AMI, now time.Time) string {
	at, err := time.Parse(time.RFC3339, i.Deprecated)
	switch {
	case err != nil:
		return i.State
	case now.Before(at):
		return i.State + ", deprecated from " + at.UTC().Format("2006-01-02")
	}
	return i.State + ", deprecated"
}

func disk(i world.AMI) string {
	if i.GiB == 0 {
		return "-"
	}
	return fmt.Sprintf("%dGiB", i.GiB)
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// age of something that was made at a time, in days, or hours on the first.
func age(made string, now time.Time) string {
	at, err := time.Parse(time.RFC3339, made)
	if err != nil {
		return "unknown"
	}
	if d := now.Sub(at); d >= 24*time.Hour {
		return fmt.Sprintf("%dd", d/(24*time.Hour))
	}
	return fmt.Sprintf("%dh", max(now.Sub(at), 0)/time.Hour)
}
