package engine

import (
	"slices"

	"context"

	"golang.org/x/sync/errgroup"

	"domctl.dev/internal/world"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// foretold makes a plan and, when it changes something, counts who feels it; when
// it bakes, it says what new nodes will pull; when it archives, who still uses that; and when
// it builds, what it builds again. A plan that does none of these asks nothing more.
func (e *Engine) foretold(ctx context.Context, view *world.View, in planner.Input) (planner.Plan, error) {
	draft, err := planner.Make(in)
	if err != nil {
		return planner.Plan{}, err
	}
	group, within := errgroup.WithContext(ctx)
	if felt := draft.Felt(); len(felt) > 0 {
		group.Go(func() error { return view.Weigh(within, felt) })
	}
	var forecast []planner.Foretold
	var findings, unreckoned, drivers []schema.Finding
	var ran map[schema.Address]bool
	var builds map[schema.Address]planner.Build
	if baked := world.Bakes(draft.Steps()); len(baked) > 0 {
		group.Go(func() (err error) { forecast, findings, err = e.foretell(within, view, baked); return err })
	}
	var used []schema.Finding
	if archived := draft.Archived(); len(archived) > 0 {
		group.Go(func() (err error) { used, err = view.StillUsed(within, archived); return err })
	}
	if len(world.Builds(draft.Steps())) > 0 {
		group.Go(func() (err error) { builds, unreckoned, err = e.rebuild(within, view, draft); return err })
	}
	var around []schema.Finding
	if activated := world.Activated(draft.Steps()); len(activated) > 0 {
		group.Go(func() (err error) { around, err = view.Beside(within, activated, e.waited(within)); return err })
	}
	var lacking []schema.Finding
	group.Go(func() error { lacking = e.lacking(within, draft); return nil })
	group.Go(func() (err error) { ran, drivers, err = e.cuda(within, view, draft); return err })
	if err := group.Wait(); err != nil {
		return planner.Plan{}, err
	}
	draft.Foretell(forecast, slices.Concat(around, findings, used, lacking))
	draft.Reckoned(builds, unreckoned)
	draft.Replace(func(f schema.Finding) bool { return f.Code == "DC717" && ran[f.Address] }, drivers)
	p := draft.Plan(view.Impact)
	return p, view.Name(ctx, p.Changes, p.Drift)
}

// waited says of a revision's tags that an apply of this deployment which has not ended
// waits for its build.
func (e *Engine) waited(ctx context.Context) func(tags []string) (bool, error) {
	return func(tags []string) (bool, error) {
		id, _, err := e.waiter(ctx, tags)
		return id != "", err
	}
}
