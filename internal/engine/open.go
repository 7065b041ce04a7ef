package engine

import (
	"context"
	"fmt"
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
		found = append(found, schema.Finding{Code: "DC320", Severity: schema.Warning,
			Message: fmt.Sprintf("apply %s of %s has not ended (%s) since %s and reserves %s", id, s.By, standing(s), s.At.UTC().Format(time.RFC3339), planner.Few(reserved)),
			Hint:    onward(s)})
	}
	return found, nil
}

// standing is where an apply that has not ended is, and what it waits for.
func standing(s applier.Summary) string {
	switch s.Outcome {
	case "":
		return "running, or cut off"
	case applier.PausedOutcome:
		return "paused: " + s.Why
	}
	return string(s.Outcome)
}

// onward are the ways on from an apply that has not ended.
func onward(s applier.Summary) string {
	on := fmt.Sprintf("domctl apply --resume %s goes on, --supersede %[1]s abandons it", s.ID)
	if s.Plan == nil || s.Plan.Restores != "" {
		return on
	}
	return on + fmt.Sprintf(", domctl rollback --to %s takes back what it did", s.ID)
}
