package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/internal/state"
	"domctl.dev/planner"
)

type applyFlags struct {
	plan, resume, supersede string
	yes, approve            bool
	parallelism             int
	options                 engine.PlanOptions
}

// sideBySideSteps is how many steps of an apply run side by side, unless it is said.
const sideBySideSteps = 10

func (a *app) applyVerb() *cobra.Command {
	var f applyFlags
	cmd := &cobra.Command{
		Use:   "apply [DIR]",
		Short: "Do what the plan says",
		Long: `Plans, shows the plan, asks, and does it. With --plan it does what a saved plan
says, and nothing if that is not what was saved, ran before, or speaks of
something that moved since.

The exit code is 0 when all of the plan was done or there was nothing to do. It
is 1 when something failed, waits, or was blocked: what could be done is done then.

Ctrl-C finishes the call in flight, cancels the builds of environments that this
apply began, writes the records, frees the lock and says how to go on; a second
Ctrl-C ends domctl at once.`,
		Args: cobra.MaximumNArgs(1),
		Example: `  domctl apply prod
  domctl apply prod --plan prod.plan --auto-approve
  domctl apply prod --target 'hardwareTiers.*'
  domctl apply prod --resume last
  domctl apply prod --resume last --approve
  domctl apply prod --supersede last`,
		RunE: func(cmd *cobra.Command, args []string) error { return a.apply(cmd.Context(), a.dir(args), f) },
	}
	cmd.Flags().StringVar(&f.plan, "plan", "", "apply this plan `file` and nothing else")
	cmd.Flags().StringVar(&f.resume, "resume", "", "go on with this `apply`; \"last\" is the only one that has not ended")
	cmd.Flags().BoolVar(&f.approve, "approve", false, "with --resume: approve, as yourself, what the apply waits for at this moment")
	cmd.Flags().StringVar(&f.supersede, "supersede", "", "first abandon this `apply`, which has not ended; what it did stays. \"last\" is the only one")
	cmd.Flags().BoolVar(&f.yes, "auto-approve", false, "do not ask")
	cmd.Flags().BoolVar(&a.keep, "keep-on-failure", false, "leave the instance of a bake that fails, to look at it; domctl rollback terminates it")
	cmd.Flags().IntVar(&f.parallelism, "parallelism", sideBySideSteps, "how many steps run side by side")
	planFlags(cmd.Flags(), &f.options)
	cmd.MarkFlagsMutuallyExclusive("plan", "resume")
	cmd.MarkFlagsMutuallyExclusive("supersede", "resume")
	for _, narrows := range []string{"target", "exclude", "allow", "unlatch", "rebuild"} {
		cmd.MarkFlagsMutuallyExclusive("plan", "resume", narrows)
	}
	return cmd
}

func (a *app) apply(ctx context.Context, dir string, f applyFlags) error {
	if err := sideBySide(f.parallelism); err != nil {
		return err
	}
	if f.approve && f.resume == "" {
		return errors.New("--approve is for an apply that waits; name it: domctl apply --resume APPLY --approve")
	}
	e, err := a.open(ctx, dir, a.progress, f.parallelism)
	if err != nil {
		return err
	}
	e.Applier.Yield = true
	if f.resume != "" {
		return a.resume(ctx, e, f)
	}
	if f.supersede != "" {
		if err := a.supersede(ctx, e, f.supersede, f.yes); err != nil {
			return err
		}
	}
	p, err := a.planFor(ctx, e, f)
	if err != nil {
		return err
	}
	return a.carryOut(ctx, e, p, f.yes)
}

func sideBySide(parallelism int) error {
	if parallelism < 1 {
		return fmt.Errorf("--parallelism is %d; at least one step must run", parallelism)
	}
	return nil
}

// supersede abandons an apply, so that its addresses are free.
func (a *app) supersede(ctx context.Context, e *engine.Engine, id string, yes bool) error {
	id, err := e.Unended(ctx, id)
	if err != nil {
		return err
	}
	if _, err := e.Story(ctx, id); err != nil {
		return err
	}
	undecided, err := e.Undecided(ctx, id)
	if err != nil {
		return err
	}
	if !yes {
		question := "Abandon apply " + id + "? What it did stays; cordons and the like that it holds go."
		if len(undecided) > 0 {
			question += " What became of " + planner.Few(undecided) + " is looked at once more; what nobody can tell then, no rollback takes back."
		}
		if err := a.ask(ctx, question); err != nil {
			return err
		}
	}
	res, err := e.Applier.Supersede(ctx, id)
	if err != nil || res.Outcome != applier.EndedOutcome {
		return a.ended(nil, res, err)
	}
	if undecided, err = e.Undecided(ctx, id); err != nil {
		return err
	}
	message := fmt.Sprintf("Abandoned apply %s: %s done and %s not. domctl rollback --to %[1]s takes back what it did.", id, planner.Plural(res.Done, "step"), planner.Plural(res.Left, "step"))
	if len(undecided) > 0 {
		message = strings.TrimSuffix(message, ".") + ", but for " + planner.Few(undecided) + ", of which nobody can tell what became."
	}
	_, err = fmt.Fprintln(a.stdout, a.here(message))
	return err
}

func (a *app) resume(ctx context.Context, e *engine.Engine, f applyFlags) error {
	id, err := e.Unended(ctx, f.resume)
	if err != nil {
		return err
	}
	s, err := e.Story(ctx, id)
	if err != nil {
		return err
	}
	defer a.hush(ctx)()
	a.logs.Show = a.buildWrites
	approver := ""
	if f.approve {
		approver = person()
	}
	res, err := e.Resume(ctx, id, approver)
	return a.ended(s.Plan, res, err)
}

// planFor reads the plan file, or plans.
func (a *app) planFor(ctx context.Context, e *engine.Engine, f applyFlags) (planner.Plan, error) {
	if f.plan == "" {
		return e.Plan(ctx, f.options)
	}
	b, err := readPlan(f.plan)
	if err != nil {
		return planner.Plan{}, fmt.Errorf("plan file: %w; domctl plan --out FILE makes one", err)
	}
	p, err := planner.Decode(b)
	if err != nil {
		return p, fmt.Errorf("%s: %w", f.plan, err)
	}
	return p, e.Fits(p)
}

// readPlan reads a plan file. A pipe or a device could be read without end, and a
// plan that no state store takes is none.
func readPlan(file string) ([]byte, error) {
	b, err := readRegular(file, state.MaxBody)
	if err != nil {
		err = fmt.Errorf("%s: %w", file, err)
	}
	return b, err
}
