package engine

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"domctl.dev/applier"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// unended tells of applies that have not ended: what they reserve, a plan can
// show and not change.
func (e *Engine) unended(ctx context.Context) ([]schema.Finding, error) {
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil {
		return nil, err
	}
	var found []schema.Finding
	for _, id := range open {
		s, err := e.Applier.Summary(ctx, id)
		if applier.IsMissing(err) {
			err = applier.Gone(id)
		}
		if err != nil {
			return nil, err
		}
		reserved, err := e.Applier.Reserved(ctx, id)
		if err != nil {
			return nil, err
		}
		if s.Outcome == applier.EndedOutcome || s.Outcome == applier.RefusedOutcome {
			continue // the reservation came late
		}
		stands := e.Standing(s)
		found = append(found, schema.Finding{Code: "DC320", Severity: schema.Warning,
			Message: fmt.Sprintf("apply %s of %s has not ended (%s) since %s and reserves %s", id, s.By, stands, s.At.UTC().Format(time.RFC3339), planner.Few(reserved)),
			Hint:    onward(s, goesOn(stands))})
	}
	return found, nil
}

// What Standing says of an apply that a domctl is at, for certain where nothing but what is
// left follows.
const running, waiting = "running", "waiting"

// Standing is where an apply is, and what it waits for, in words. Records alone do not
// tell whether a domctl is at it still: one that waits holds no lock. Where it ran on
// this machine its process tells; else both are said.
func (e *Engine) Standing(s applier.Summary) string {
	alive, known := false, false
	if n := len(s.Records); n > 0 && e.Applier.Alive != nil {
		alive, known = e.Applier.Alive(s.Records[n-1].By)
	}
	either := func(at, gone string) string {
		switch {
		case !known:
			return at + ", or " + gone
		case alive:
			return at
		}
		return gone
	}
	left, waits := strings.CutPrefix(s.Why, waiting)
	switch {
	case s.Outcome == "":
		return either(running, "cut off")
	case s.Outcome == applier.PausedOutcome && waits:
		return either(waiting, "paused") + left
	case s.Outcome == applier.PausedOutcome && s.Why != "":
		return s.Why // "interrupted with 2 steps left"
	}
	return string(s.Outcome)
}

// goesOn says of where an apply stands that a domctl is at it.
func goesOn(stands string) bool {
	return stands == running || strings.HasPrefix(stands, waiting+" ")
}

// onward are the ways on from an apply that has not ended; its own domctl may be at it.
func onward(s applier.Summary, goes bool) string {
	on := fmt.Sprintf("domctl apply --resume %s goes on, --supersede %[1]s abandons it", s.ID)
	if goes {
		on = fmt.Sprintf("its domctl goes on with it by itself, domctl apply --supersede %s abandons it", s.ID)
	}
	if s.ForGood() { // whoever resumes it is told the same again
		on = fmt.Sprintf("a step of it failed for good: correct that, then domctl apply --supersede %s abandons it and does what the files say by then", s.ID)
	}
	if s.Plan == nil || s.Plan.Restores != "" || s.Plan.Collects() {
		return on
	}
	return on + fmt.Sprintf(", domctl rollback --to %s takes back what it did", s.ID)
}

// Unended finds the apply that "last" means: the only one that has not ended. Any
// other name is answered as it is.
func (e *Engine) Unended(ctx context.Context, name string) (id string, err error) {
	if name != "last" {
		return name, nil
	}
	open, err := e.Applier.OpenApplies(ctx)
	switch {
	case err != nil:
		return "", err
	case len(open) == 0:
		return "", errors.New("every apply has ended: there is none to resume or supersede; see domctl history")
	case len(open) > 1:
		return "", fmt.Errorf("%d applies have not ended: %s; name one", len(open), strings.Join(open, ", "))
	}
	return open[0], nil
}

// Resume goes on with an apply that has not ended, approved by a person where it
// waits for that; nobody: "".
func (e *Engine) Resume(ctx context.Context, id, approver string) (applier.Result, error) {
	if err := e.mayResume(ctx, id); err != nil {
		return applier.Result{ID: id}, err
	}
	if approver != "" {
		return e.Applier.Approve(ctx, id, approver)
	}
	return e.Applier.Resume(ctx, id)
}

func (e *Engine) mayResume(ctx context.Context, id string) error {
	open, err := e.Applier.OpenApplies(ctx)
	if err != nil || slices.Contains(open, id) {
		return err
	}
	all, err := e.past(ctx)
	i := slices.IndexFunc(all, func(p Past) bool { return p.ID == id })
	switch {
	case err != nil || i < 0: // the records say why
		return err
	case len(all[i].TakenBack) > 0:
		return fmt.Errorf("DC307: apply %s has ended and was taken back by %s: there is nothing to resume; to have it again, plan with --unlatch and apply", id, strings.Join(all[i].TakenBack, ", "))
	}
	return fmt.Errorf("DC307: apply %s has ended: there is nothing to resume; domctl plan shows what is left to do", id)
}

// Undecided are the addresses of steps that were begun and of which nobody knows
// yet what became.
func (e *Engine) Undecided(ctx context.Context, id string) ([]schema.Address, error) {
	_, err := e.Applier.Snapshot(ctx, id)
	var u *applier.Undecided
	if errors.As(err, &u) {
		return u.Addresses(), nil
	}
	return nil, err
}
