package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"time"

	"domctl.dev/applier"
	"domctl.dev/internal/engine"
	"domctl.dev/planner"
)

// carryOut shows a plan, asks, and applies it.
func (a *app) carryOut(ctx context.Context, e *engine.Engine, p planner.Plan, yes bool) error {
	if err := a.show(p, "text"); err != nil && !(yes && errors.Is(err, syscall.EPIPE)) { // who approved beforehand may look away
		return err
	}
	if err := planExit(p, false); err != nil {
		return err
	}
	if p.Empty() {
		return a.blocked(p)
	}
	if !yes {
		question := "Apply this to " + p.Deployment + "?"
		if p.Restores != "" {
			question = "Take this back on " + p.Deployment + "?"
		}
		if err := a.ask(ctx, question); err != nil {
			return err
		}
	}
	if err := a.run(ctx, e, p); err != nil {
		return err
	}
	return a.blocked(p)
}

// run applies a plan that was shown and approved.
func (a *app) run(ctx context.Context, e *engine.Engine, p planner.Plan) error {
	defer a.hush(ctx)()
	a.logs.Show = a.buildWrites
	a.recorded, a.begun = false, false
	res, err := e.Apply(ctx, p)
	if err != nil && a.recorded {
		done := "no step was begun, and the plan is recorded"
		if a.begun {
			done = "some steps may be done"
		}
		return fmt.Errorf("%w\nhint: %s; when this is mended, %s", err, done, ways(&p, applier.Result{ID: p.ID}))
	}
	return a.ended(&p, res, err)
}

// blocked ends the program with 1 when an apply left out what it could not do:
// with 0 the outside would be as the files say.
func (a *app) blocked(p planner.Plan) error {
	n := p.Summary.Blocked
	if n == 0 {
		return nil
	}
	were := "are blocked and were"
	if n == 1 {
		were = "is blocked and was"
	}
	a.tell("error", planner.Plural(n, "change")+" "+were+" not made; the plan above says why")
	return exitCode(1)
}

// hush tells a person who pressed Ctrl-C that it was heard.
func (a *app) hush(ctx context.Context) (stop func() bool) {
	return context.AfterFunc(ctx, func() {
		a.tell("interrupted", "finishing the calls in flight (Ctrl-C again ends domctl at once)")
	})
}

// ask wants the whole word; anything else ends the program with 1.
func (a *app) ask(ctx context.Context, question string) error {
	fmt.Fprintf(a.stdout, "\n%s Only \"yes\" is taken for a yes: ", question)
	answer := make(chan error, 1)
	go func() {
		line, err := a.stdin.ReadString('\n')
		switch {
		case strings.TrimSpace(line) == "yes":
			err = nil
		case line == "" && errors.Is(err, io.EOF):
			err = errors.New("nobody answered; use --auto-approve where nobody can. Nothing was done")
		default:
			err = errNo
		}
		answer <- err
	}()
	var err error
	select {
	case err = <-answer:
	case <-ctx.Done():
		err = errNo
	}
	if err != nil || !a.terminal {
		fmt.Fprintln(a.stdout)
	}
	if errors.Is(err, errNo) {
		fmt.Fprintln(a.stdout, "Nothing was done.")
		return exitCode(1)
	}
	return err
}

var errNo = errors.New("the answer was not yes")

// progress prints one event.
func (a *app) progress(e applier.Event) {
	what := step(e)
	switch e.Kind {
	case applier.KindWaiting:
		a.await(e, what)
	case applier.KindPlan:
		a.recorded = true
	case applier.KindApproved:
		fmt.Fprintf(a.stdout, "  ✓ %s\n", planner.Printable(e.Why))
	case applier.KindBegin:
		a.begun = true
		fmt.Fprintf(a.stdout, "  … %s\n", what)
		a.waits.begin(e.Step.ID, what+" has been asked for", applier.Deadline)
	case applier.KindDone:
		a.waits.over(e.Step.ID)
		fmt.Fprintf(a.stdout, "  ✓ %s (%s)\n", what, e.Elapsed.Round(10*time.Millisecond))
	case applier.KindFailed:
		a.waits.over(e.Step.ID)
		a.tellLog("error", what+": "+oneLine(e.Why), e.Step.ID, a.logs.End(e.Step.ID))
		a.told = append(a.told, e.Why)
	}
}

// step names what is done, and in AWS to what: an address has several objects there.
func step(e applier.Event) string {
	words := []string{e.Step.Address.String() + ":", e.Step.Op}
	if system, id, _ := strings.Cut(string(e.Step.Object), "#"); !strings.HasPrefix(system, "mongo/") {
		words = append(words, id)
	}
	says := ""
	switch {
	case e.Says != "":
		says = ": " + e.Says
	case e.Mark != "":
		words = append(words, e.Mark)
	}
	return planner.Printable(strings.Join(words, " ") + says)
}

// await notes what a step, or the apply as a whole, waits for.
func (a *app) await(e applier.Event, what string) {
	if e.Step.ID == "" {
		a.waits.begin(theVerb, e.Why, e.Most)
		return
	}
	a.waits.over(theVerb) // the steps are at it, though none may have printed anything
	_, id, _ := strings.Cut(string(e.Step.Object), "#")
	a.waits.begin(e.Step.ID, what+": "+strings.TrimPrefix(e.Why, id+": "), e.Most) // what names the object
}

// ended says how an apply stands and how to go on.
func (a *app) ended(p *planner.Plan, res applier.Result, err error) error {
	if err != nil {
		return err
	}
	switch {
	case res.Outcome == applier.EndedOutcome && res.Left > 0:
		for _, why := range res.Why {
			a.tell("error", oneLine(why))
		}
		a.tell("hint", fmt.Sprintf("domctl history show %s tells what it did and what became of it; domctl plan shows what stands by now", res.ID))
		return exitCode(1)
	case res.Outcome == applier.EndedOutcome:
		fmt.Fprintln(a.stdout, a.here(closing(p, res.Done)))
		return nil
	case res.Outcome == applier.RefusedOutcome:
		for _, why := range res.Why {
			a.tell("error", oneLine(why))
		}
		a.tell("hint", "nothing was written; domctl plan shows what stands by now")
		return exitCode(1)
	}
	for _, why := range res.Why {
		if !slices.ContainsFunc(a.told, func(told string) bool { return strings.HasSuffix(why, told) }) {
			a.tellLog(string(res.Outcome), oneLine(why), "", nil)
		}
	}
	a.tell("hint", fmt.Sprintf("%s done, %s left; %s", planner.Plural(res.Done, "step"), planner.Plural(res.Left, "step"), ways(p, res)))
	return exitCode(1)
}

// closing is the last line of an apply that ended.
func closing(p *planner.Plan, done int) string {
	switch {
	case p != nil && p.Restores != "":
		what := planner.Plural(done, "step") + " of apply " + p.Restores
		if done == 0 {
			what = "only domctl's own records of apply " + p.Restores
		}
		return "Taken back: " + what + ". What it had set stays off until the files change, or with --unlatch."
	case p != nil && p.Collects():
		return "Removed: " + planner.Plural(done, "object") + ". Nothing takes this back."
	case done == 0:
		return "Applied: only domctl's own records changed."
	}
	return fmt.Sprintf("Applied: %s. domctl rollback takes this back.", planner.Plural(done, "step"))
}

// ways are how to go on with an apply that did not end. What failed for good says by
// itself how, and no resume goes on with it.
func ways(p *planner.Plan, res applier.Result) string {
	on, back := "domctl apply --resume "+res.ID+" goes on", "domctl rollback --to "+res.ID+" goes back"
	switch {
	case p == nil || p.Restores != "" || p.Collects():
		return on
	case slices.ContainsFunc(res.Why, func(why string) bool { return strings.Contains(why, "domctl apply --supersede "+res.ID) }):
		return back + ", and takes what was done with it"
	}
	return on + ", " + back
}
