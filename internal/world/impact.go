package world

import (
	"context"
	"fmt"
	"slices"

	"domctl.dev/internal/port"
	"domctl.dev/planner"
	"domctl.dev/schema"
)

// use is one place where Domino's documents name an object of a kind. A
// collection is counted with one aggregation, however many objects are asked
// about.
type use struct {
	collection, path string
	live             string // a path that is missing or null as long as the document counts; "" for always
	skip             [2]string
	who              string // a path that names the user; "" where the documents name none
	count            func(*planner.Impact, int64)
}

func projects(i *planner.Impact, n int64) { i.Projects += n }
func users(i *planner.Impact, n int64)    { i.Users += n }
func runs(i *planner.Impact, n int64)     { i.Runs += n }
func uses(i *planner.Impact, n int64)     { i.Uses += n }

// usesOf a kind.
func (w *World) usesOf(name string) []use {
	if of := kinds()[name].uses; of != nil {
		return of(w)
	}
	return nil
}

// Weigh counts who uses the given addresses. Addresses that do not live yet, and
// kinds that nothing in MongoDB names, cost no call.
func (v *View) Weigh(ctx context.Context, addresses []schema.Address) error {
	reads := []func() error{func() error { return v.weighDefaults(ctx, addresses) }}
	for kind, ids := range v.idsByKind(addresses) {
		asked, sorted := v.world.usesOf(kind), schema.Sorted(ids)
		for _, a := range ids {
			if len(asked) > 0 {
				v.impact[a] = &planner.Impact{}
			}
		}
		for _, u := range asked {
			reads = append(reads, func() error {
				counts, err := v.world.Outside.Count(ctx, u.group(sorted))
				if err != nil {
					return fmt.Errorf("who uses %s, counted in %s: %w", kind, u.collection, err)
				}
				v.weighing.Lock()
				defer v.weighing.Unlock()
				for _, c := range counts {
					v.weigh(u, c, ids)
				}
				return nil
			})
		}
	}
	return sideBySide(reads...)
}

// idsByKind are the addresses that live in a document, by its id. Domino's
// documents name one another by ObjectId and by its digits.
func (v *View) idsByKind(addresses []schema.Address) map[string]map[string]schema.Address {
	out := map[string]map[string]schema.Address{}
	for _, a := range addresses {
		ref := v.refs[a]
		if _, lives := v.Objects[a]; !lives || ref == "" {
			continue
		}
		if out[a.Kind] == nil {
			out[a.Kind] = map[string]schema.Address{}
		}
		out[a.Kind][idJSON(ref.ID())], out[a.Kind][schema.JSON(idPlain(ref)).Text] = a, a
	}
	return out
}

func (u use) group(ids []string) port.Group {
	g := port.Group{Collection: u.collection, Any: map[string][]string{u.path: ids}, By: []string{u.path}}
	if u.live != "" {
		g.Any[u.live] = []string{"null"}
	}
	if u.skip[0] != "" {
		g.By = append(g.By, u.skip[0])
	}
	return g
}

func (v *View) weigh(u use, c port.Count, ids map[string]schema.Address) {
	if u.skip[0] != "" && slices.Contains(c.Key[1:], schema.JSON(u.skip[1]).Text) {
		return
	}
	if a, ok := ids[c.Key[0]]; ok {
		u.count(v.impact[a], c.N)
	}
}
