package world

import (
	"cmp"
	"context"
	"errors"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// checkDomino tells by route what Domino's API answers, and whether the key sees all that
// the database holds. A route that no kind needs fails nothing.
func (w *World) checkDomino(ctx context.Context, d schema.Desired) (checks []Check) {
	if w.Domino == nil {
		return nil
	}
	routes := w.Domino.ProbeRoutes(ctx)
	internal := false
	for _, r := range routes {
		internal = internal || r.Call == port.InternalTiers && r.Err == nil
	}
	for _, r := range routes {
		needed := tiersByAPI(w.Deployment)
		if r.Call == port.ConfigList {
			needed = settingsByAPI(w.Deployment)
		}
		checks = append(checks, routeCheck(r, needed, internal))
	}
	if tiersByAPI(w.Deployment) {
		checks = append(checks, w.checkTiers(ctx))
	}
	if settingsByAPI(w.Deployment) {
		checks = append(checks, w.checkSettings(ctx))
	}
	return append(checks, w.checkExecutions(ctx, schema.Rolls(d) || schema.RollsExecutors(d)))
}

// checkExecutions asks for the list that an administrator's key alone may see. A roll needs
// it, since nothing else tells of all runs; else it is missed, which is no failure.
func (w *World) checkExecutions(ctx context.Context, rolls bool) Check {
	const name, do = "GET " + port.ExecutionList, "have deployment.domino name an administrator's key"
	live, err := w.Domino.ListExecutions(ctx)
	switch {
	case err == nil:
		return passed(name, "answers; %s now", planner.Plural(len(live), "execution"))
	case !rolls:
		return Check{Name: name, OK: true, Open: true, Detail: "nodes, runs and queue go by other sources, and say so: " + err.Error(), Do: do}
	case errors.Is(err, port.ErrDenied):
		return failed(name, do+"; no roll goes on until it can tell which runs are live", "%v", err)
	}
	return Unanswered(name, "check deployment.domino.url; no roll goes on until it can tell which runs are live", err)
}

// routeCheck judges one route; internal says that v4 keeps hardware tiers.
func routeCheck(r port.Route, needed, internal bool) Check {
	c := passed(r.Call, "answers")
	switch absent := errors.Is(r.Err, port.ErrNotFound); {
	case r.Err == nil && !needed:
		c.Detail = "answers; no kind of the files needs it"
	case r.Err == nil:
	case absent && r.Call == port.PublicTiers && internal:
		c.Detail = "404: this Domino has no such route; hardware tiers are those of v4"
	case r.Call == port.InternalTiers && needed:
		c.Open, c.Detail = true, "not needed where the public route answers: "+r.Err.Error()
	case !needed:
		c.Open, c.Detail = true, "not needed: "+r.Err.Error()
	case errors.Is(r.Err, port.ErrDenied):
		c = failed(r.Call, "use an administrator's key; or take the kind from Domino's database: deployment.backends", "%v", r.Err)
	default:
		c = Unanswered(r.Call, "check deployment.domino.url; or take the kind from Domino's database: deployment.backends", r.Err)
	}
	return c
}

// checkTiers compares the API's hardware tiers with the database's.
func (w *World) checkTiers(ctx context.Context) Check {
	list, err := w.wholeTiers(ctx)
	return partCheck("hardware tier", len(list.Tiers), len(list.hidden), cmp.Or(err, list.unread))
}

// checkSettings compares the API's settings with the database's.
func (w *World) checkSettings(ctx context.Context) Check {
	var shown, held map[planner.Ref]planner.Raw
	err := sideBySide(
		func() (err error) { shown, err = w.shownSettings(ctx); return err },
		func() error {
			docs, err := w.Outside.Find(ctx, port.Query{Collection: configCollection})
			if err == nil {
				held, err = configRefs(docs)
			}
			return err
		})
	hidden := 0
	for ref := range held {
		if shown[docRef(apiSettings, ref.ID())] == nil {
			hidden++
		}
	}
	return partCheck("setting", len(shown), hidden, err)
}

// partCheck says how many of some objects the key sees.
func partCheck(noun string, shown, hidden int, err error) Check {
	name := noun + "s that the key sees"
	switch {
	case err != nil:
		return unread(name, err)
	case hidden > 0:
		return failed(name, "use an administrator's key", "DC381: %d of %s that the database holds", shown, planner.Plural(shown+hidden, noun))
	}
	return passed(name, "all %d", shown)
}
