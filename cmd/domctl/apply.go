package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

type applyFlags struct {
	plan, resume, supersede string
	yes                     bool
	parallelism             int
	options                 engine.PlanOptions
}

func (a *app) applyVerb() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Do what the plan says",
		Long: `Plans, shows the plan, asks, and does it. Ctrl-C finishes the call in flight,
writes the records, frees the lock and says how to go on.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl apply prod
  domctl apply prod --plan prod.plan --auto-approve
  domctl apply prod --resume 20260301-101500-k3v9w2m4q7x1`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.apply(cmd.Context(), dir(args), f) },
	}
	cmd.Flags().StringVar(&f.plan, "plan", "", "apply this plan `file` and nothing else")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with this `apply`")
	cmd.Flags().BoolVar(&f.yes, "auto-approve", false, "do not ask")
	cmd.Flags().IntVar(&f.parallelism, "parallelism", 10, "how many steps run side by side")
	planFlags(cmd.Flags(), &f.options)
	return cmd
}

func (a *app) apply(ctx context.Context, dir string, f applyFlags) error {
	e, err := a.open(ctx, dir, a.progress, f.parallelism)
	if err != nil {
		return err
	}
	if f.resume != "" {
		res, err := e.Applier.Resume(ctx, f.resume)
		return a.ended(res, err)
	}
	p, err := a.planFor(ctx, e, f)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, e, p, f.yes)
}

// planFor reads the plan file, or plans.
func (a *app) planFor(ctx context.Context, e *engine.Engine, f applyFlags) (planner.Plan, error) {
	if f.plan == "" {
		return e.Plan(ctx, f.options)
	}
	b, err := os.ReadFile(f.plan)
	if err != nil {
		return planner.Plan{}, fmt.Errorf("plan file: %w", err)
	}
	p, err := planner.Decode(b)
	if err != nil {
		return p, fmt.Errorf("%s: %w", f.plan, err)
	}
	return p, nil
}

// carryOut shows a plan, asks, and applies it.
func (a *app) carryOut(ctx context.Context, e *engine.Engine, p planner.Plan, yes bool) error {
	if err := a.show(p, "text"); err != nil {
		return err
	}
	if err := planExit(p, false); err != nil || p.Empty() {
		return err
	}
	if !yes {
		ok, err := a.ask(fmt.Sprintf("Apply to %s?", p.Deployment))
		if err != nil || !ok {
			return err
		}
	}
	res, err := e.Apply(ctx, p)
	return a.ended(res, err)
}

// ask wants the whole word.
func (a *app) ask(question string) (bool, error) {
	fmt.Fprintf(a.stdout, "\n%s Only \"yes\" is taken for a yes: ", question)
	line, err := bufio.NewReader(a.stdin).ReadString('\n')
	if strings.TrimSpace(line) == "yes" {
		return true, nil
	}
	fmt.Fprintln(a.stdout)
	if err != nil && line == "" {
		return false, fmt.Errorf("nobody answered; use --auto-approve where nobody can")
	}
	fmt.Fprintln(a.stdout, "Nothing was done.")
	return false, exitCode(1)
}

// progress prints one event.
func (a *app) progress(e applier.Event) {
	what := e.Step.Address.String() + ": " + e.Step.Op
	if e.Mark != "" {
		what += " " + e.Mark
	}
	switch e.Kind {
	case applier.KindBegin:
		fmt.Fprintf(a.stdout, "  … %s\n", what)
	case applier.KindDone:
		fmt.Fprintf(a.stdout, "  ✓ %s (%s)\n", what, e.Elapsed.Round(10*time.Millisecond))
	case applier.KindFailed:
		fmt.Fprintf(a.stderr, "domctl: error: %s: %s\n", what, planner.Printable(e.Why))
	case applier.KindPaused:
		fmt.Fprintf(a.stderr, "domctl: %s\n", planner.Printable(e.Why))
	}
}

// ended says how an apply stands and how to go on.
func (a *app) ended(res applier.Result, err error) error {
	if err != nil {
		return err
	}
	switch res.Outcome {
	case applier.EndedOutcome:
		fmt.Fprintf(a.stdout, "Applied: %d steps. domctl rollback takes it back.\n", res.Done)
		return nil
	case applier.RefusedOutcome:
		for _, why := range res.Why {
			fmt.Fprintf(a.stderr, "domctl: error %s\n", planner.Printable(why))
		}
		fmt.Fprintln(a.stderr, "domctl: hint: nothing was written; plan again")
		return exitCode(1)
	}
	for _, why := range res.Why {
		fmt.Fprintf(a.stderr, "domctl: %s: %s\n", res.Outcome, planner.Printable(why))
	}
	fmt.Fprintf(a.stderr, "domctl: hint: %d steps are done, %d are left; domctl apply --resume %s goes on, domctl rollback --to %[3]s goes back\n", res.Done, res.Left, res.ID)
	return exitCode(1)
}
