package main

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

func (a *app) historyVerb() *cobra.Command {
	var since string
	var audit bool
	var form *format
	cmd := &cobra.Command{
		Use:   "history [ADDRESS] [DIR]",
		Short: "Show what was applied, when and by whom",
		Long: `Lists applies and rollbacks, latest first; with ADDRESS those that set or let go
of that object, or of those that a pattern matches. --audit shows who did what and when,
a line each, and with --format json an object a line.`,
		Args: cobra.MaximumNArgs(2),
		Example: `  domctl history prod
  domctl history hardwareTiers.gpu-small prod --since 7d
  domctl history 'hardwareTiers.*' prod
  domctl history prod --audit --since 30d --format json
  domctl history show 20260301-101500-k3v9w2m4q7x1 prod`,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var o engine.HistoryOptions
			if o.Address, args = addressIn(args); len(args) > 1 {
				return fmt.Errorf("neither %q nor %q is an address; write KIND.NAME, as in hardwareTiers.gpu-small: domctl plan names them", args[0], args[1])
			}
			e, err := a.openRecords(cmd.Context(), a.dir(args))
			if err != nil {
				return err
			}
			if since != "" {
				if o.Since, err = engine.ParseTime(since, e.Clock.Now()); err != nil {
					return fmt.Errorf("--since: %w", err)
				}
			}
			if audit {
				return a.audit(cmd.Context(), e, o, form.json())
			}
			history, err := e.History(cmd.Context(), o)
			if err := a.warn(err, len(history) > 0); err != nil {
				return err
			}
			if form.json() {
				return a.json(historyShape{shapes, shapesOfPast(history)})
			}
			if len(history) == 0 && o.Address != (schema.Address{}) {
				return a.neverSet(e.MeantAddress(cmd.Context(), o.Address), o)
			}
			return writeHistory(a.stdout, history, e.Standing)
		},
	}
	cmd.Flags().StringVar(&since, "since", "", "only since this `time`: 2026-03-01T10:00:00Z, 2026-03-01, 90m, 7d")
	cmd.Flags().BoolVar(&audit, "audit", false, "show who did what, also approvals and freezes, a line each")
	form = formatFlag(cmd, "json")
	cmd.AddCommand(a.historyShowVerb())
	return cmd
}

// neverSet says that no apply set an address, and which one may be meant.
func (a *app) neverSet(meant string, o engine.HistoryOptions) error {
	since := ""
	if !o.Since.IsZero() {
		since = " since " + o.Since.UTC().Format(time.RFC3339)
	}
	fmt.Fprintf(a.stdout, "No apply set %s%s.\n", planner.Printable(o.Address.String()), since)
	if meant != "" {
		a.tell("hint", "did you mean "+schema.ShellWord(meant)+"?")
	}
	return nil
}

// warn prints what is amiss with records beside those that can be read; where
// none can, it is the error.
func (a *app) warn(err error, readable bool) error {
	if err == nil || !readable {
		return err
	}
	a.tell("warning", err.Error())
	return nil
}

// addressIn takes the address out of the arguments: the kinds tell it from a
// folder.
func addressIn(args []string) (schema.Address, []string) {
	for i, arg := range args {
		if a, err := schema.ParseAddress(arg); err == nil {
			if _, ok := schema.KindOf(a.Kind); ok {
				return a, append(append([]string{}, args[:i]...), args[i+1:]...)
			}
		}
	}
	return schema.Address{}, args
}

func (a *app) historyShowVerb() *cobra.Command {
	var as string
	var form *format
	cmd := &cobra.Command{
		Use:   "show APPLY [DIR]",
		Short: "Tell the story of one apply, or write its steps as commands",
		Long: `Shows an apply's plan and what became of each step. With --as it writes the steps
as commands that a person can run when domctl cannot: a script for mongosh whose
every write names the _id and what the plan saw, or one of the AWS CLI, or of curl
for Domino's API, that compares before each call. Steps that are done are comments in it. Secrets are
never in it: it says where to put them. APPLY "last" is the newest one.`,
		Args: cobra.RangeArgs(1, 2),
		Example: `  domctl history show 20260301-101500-k3v9w2m4q7x1 prod
  domctl history show 20260301-101500-k3v9w2m4q7x1 prod --as mongosh > apply.js
  domctl history show 20260301-101500-k3v9w2m4q7x1 prod --as aws > apply.sh`,
		RunE: func(cmd *cobra.Command, args []string) error {
			id, dir, err := applyAndDir(cmd, args)
			if err != nil {
				return err
			}
			e, err := a.openRecords(cmd.Context(), a.dir(dir))
			if err != nil {
				return err
			}
			id, err = engine.Newest(id, func() ([]engine.Past, error) {
				return e.History(cmd.Context(), engine.HistoryOptions{})
			})
			if err != nil {
				return err
			}
			if as != "" {
				text, n, err := e.Commands(cmd.Context(), id, as)
				if err != nil {
					return err
				}
				if n == 0 {
					return fmt.Errorf("apply %s has no step for %s; domctl history show %[1]s lists those it has", id, as)
				}
				_, err = io.WriteString(a.stdout, text)
				return err
			}
			s, err := e.Story(cmd.Context(), id)
			if err != nil {
				return err
			}
			if form.json() {
				return a.json(shapeOfStory(s))
			}
			return a.writeStory(s, e.Standing(s))
		},
	}
	cmd.Flags().StringVar(&as, "as", "", "write the steps as commands of this `tool`: mongosh, aws, curl or kubectl")
	form = formatFlag(cmd, "json")
	cmd.MarkFlagsMutuallyExclusive("as", "format")
	return cmd
}

func writeHistory(out io.Writer, history []engine.Past, standing func(applier.Summary) string) error {
	if len(history) == 0 {
		_, err := fmt.Fprintln(out, "Nothing was applied.")
		return err
	}
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "APPLY\tWHEN\tBY\tSTEPS\tOUTCOME")
	for _, s := range history {
		fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\n", s.ID, s.At.UTC().Format(time.RFC3339), planner.Printable(s.By), s.Done, planner.Printable(outcome(s.Summary, standing(s.Summary), takenBack(s))))
	}
	return w.Flush()
}

// outcome is what became of an apply, in a line's last words.
func outcome(s applier.Summary, stands, back string) string {
	words := []string{stands}
	if s.Plan != nil && s.Plan.Restores != "" {
		words = append(words, "takes back "+s.Plan.Restores)
	}
	if back != "" {
		words = append(words, back)
	}
	return strings.Join(words, "; ")
}

// writeStory prints an apply's plan and its records in order.
func (a *app) writeStory(s applier.Summary, stands string) error {
	if s.Plan != nil {
		if err := s.Plan.Text(a.stdout, a.style); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "\nApply %s: %s.\n", s.ID, planner.Printable(outcome(s, stands, "")))
	by := ""
	for _, r := range s.Records {
		if r.By != by {
			fmt.Fprintf(a.stdout, "%s\n", planner.Printable(r.By))
		}
		by = r.By
		line := strings.TrimRight(fmt.Sprintf("  %s  %-7s  %s %s", r.At.UTC().Format(time.RFC3339), r.Kind, r.Step, cmp.Or(r.Says, r.Mark)), " ")
		why, log := cutLog(r.Why)
		if why != "" {
			line += "  " + why
		}
		for _, l := range append([]string{line}, log...) {
			if _, err := fmt.Fprintln(a.stdout, a.here(planner.Printable(l))); err != nil {
				return err
			}
		}
	}
	return nil
}
