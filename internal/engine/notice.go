package engine

import (
	"context"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// Notice plans, and words the plan for those who feel it. Beside what a plan reads it
// asks who they are.
func (e *Engine) Notice(ctx context.Context, o PlanOptions) (planner.Plan, planner.Notice, error) {
	p, now, err := e.planned(ctx, o)
	if err != nil {
		return p, planner.Notice{}, err
	}
	var felt []schema.Address
	for _, c := range p.Changes {
		if c.Blocked == "" && (c.Action == planner.ActionUpdate || c.Action == planner.ActionArchive) {
			felt = append(felt, c.Address)
		}
	}
	to, err := now.view.People(ctx, felt)
	return p, p.Notice(to, e.Clock.Now()), err
}
