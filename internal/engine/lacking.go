package engine

import (
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"domctl.dev/planner"
	"domctl.dev/schema"
)

// lacking says of a plan which secrets that it writes cannot be had here, so that an apply
// from here would be refused; all of them, each object's in one finding. Who applies may
// have them.
func (e *Engine) lacking(ctx context.Context, d planner.Draft) []schema.Finding {
	writers := map[string][]schema.Address{}
	for _, s := range d.Steps() {
		for _, v := range s.Writes {
			if v.Is == schema.Secret {
				writers[v.Text] = append(writers[v.Text], s.Address)
			}
		}
	}
	var group errgroup.Group
	group.SetLimit(askedBeside)
	var one sync.Mutex
	why := map[schema.Address][]string{}
	for ref, by := range writers {
		group.Go(func() error {
			_, err := e.world.Secret(ctx, ref)
			if err == nil {
				return nil
			}
			one.Lock()
			defer one.Unlock()
			for _, a := range by {
				why[a] = append(why[a], planner.Printable(err.Error()))
			}
			return nil
		})
	}
	_ = group.Wait() // none of them fails
	var found []schema.Finding
	for _, a := range schema.Addresses(why) {
		if d.Refused("DC160", a) {
			continue
		}
		slices.Sort(why[a])
		found = append(found, schema.Finding{Code: "DC160", Severity: schema.Warning, Address: a, Message: "an apply from here is refused: " + strings.Join(slices.Compact(why[a]), "; "),
			Hint: "set what the references name where the apply runs", Positions: e.Compiled.Desired.Objects[a].Positions("")})
	}
	return found
}
